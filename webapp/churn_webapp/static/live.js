// Refreshes the regions of a page that have changed, without a reload. Works on what the server renders, so the page
// is complete without it.
"use strict";

(() => {
  const INTERVAL_MILLISECONDS = 2000;
  const live = document.getElementById("live");
  const announcement = document.getElementById("announcement");
  const stale = document.getElementById("stale");
  let lastSeen = new Date();

  const said = (root) => root.querySelector("[data-announcement]")?.dataset.announcement ?? "";
  let lastSaid = said(live);

  const original = new Map();
  const remember = (regions) => regions.forEach((region) => original.set(region.dataset.region, region.outerHTML));
  remember(live.querySelectorAll("[data-region]"));

  function isOpen(region) {
    return [...region.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent);
  }

  function replace(region, fresh) {
    const focused = region.contains(document.activeElement) ? document.activeElement.id : "";
    const scrolled = region.querySelector(".scroll")?.scrollLeft ?? 0;
    const open = isOpen(region);
    region.replaceWith(fresh);
    for (const details of fresh.querySelectorAll("details")) {
      details.open = open.includes(details.querySelector("summary")?.textContent);
    }
    const box = fresh.querySelector(".scroll");
    if (box) box.scrollLeft = scrolled;
    if (focused) (document.getElementById(focused) ?? document.getElementById("main")).focus({ preventScroll: true });
  }

  function update(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const fresh = [...page.querySelectorAll("[data-region]")];
    const names = fresh.map((region) => region.dataset.region);
    const here = [...live.querySelectorAll("[data-region]")];
    if (here.map((region) => region.dataset.region).join() !== names.join()) {
      remember(fresh);
      live.replaceChildren(...page.body.childNodes);
    } else {
      here.forEach((region, place) => {
        // As the server sent it: what a person opened or scrolled is no change.
        const source = fresh[place].outerHTML;
        const before = original.get(region.dataset.region);
        if (source !== before) replace(region, fresh[place]);
        original.set(region.dataset.region, source);
      });
    }
    const now = said(live);
    if (now !== lastSaid) announcement.textContent = now;
    lastSaid = now;
  }

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(live.dataset.source, { headers: { accept: "text/html" }, redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      update(await answer.text());
      lastSeen = new Date();
      stale.hidden = true;
    } catch {
      const sentence = `This page shows what was seen at ${lastSeen.toLocaleTimeString()}. It is tried again.`;
      if (stale.hidden) stale.textContent = sentence;
      stale.hidden = false;
    }
  }

  async function forever() {
    await refresh();
    setTimeout(forever, INTERVAL_MILLISECONDS);
  }

  document.addEventListener("visibilitychange", refresh);
  setTimeout(forever, INTERVAL_MILLISECONDS);
})();
