// Refreshes the regions of a page that have changed, without a reload. Works on what the server renders, so the page
// is complete without it.
"use strict";

(() => {
  const INTERVAL_MILLISECONDS = 2000;
  const FOCUSABLE = "a[href], button, summary, [tabindex]";
  const live = document.getElementById("live");
  const announcement = document.getElementById("announcement");
  const stale = document.getElementById("stale");
  let lastSeen = new Date();
  let lastHtml = "";

  const regionsOf = (root) => [...root.querySelectorAll("[data-region]")];
  const said = (root) => root.querySelector("[data-announcement]")?.dataset.announcement ?? "";
  let lastSaid = said(live);

  // As the server sent them: what a person opened or scrolled is no change.
  const original = new Map(regionsOf(live).map((region) => [region.dataset.region, region.outerHTML]));

  // What a link, a heading of details or a table is to a person, where it has no id.
  const nameOf = (element) => element.id || element.tagName + ((element.getAttribute("aria-label") ?? element.textContent.trim()));

  function opened(region) {
    return [...region.querySelectorAll("details[open] > summary")].map(nameOf);
  }

  function replace(region, fresh) {
    const focused = region.contains(document.activeElement) ? nameOf(document.activeElement) : "";
    const scrolled = [...region.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    const open = opened(region);
    region.replaceWith(fresh);
    for (const summary of fresh.querySelectorAll("details > summary")) {
      summary.parentElement.open = open.includes(nameOf(summary));
    }
    fresh.querySelectorAll(".scroll").forEach((box, place) => (box.scrollLeft = scrolled[place] ?? 0));
    if (!focused) return;
    const again = [...fresh.querySelectorAll(FOCUSABLE)].find((element) => nameOf(element) === focused);
    (again ?? document.getElementById("main")).focus({ preventScroll: true });
  }

  function remove(region) {
    const focused = region.contains(document.activeElement);
    region.remove();
    original.delete(region.dataset.region);
    if (focused) document.getElementById("main").focus({ preventScroll: true });
  }

  function update(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const here = new Map(regionsOf(live).map((region) => [region.dataset.region, region]));
    // The first region of each kind of container is always there, so a new one has one before it.
    let previous = null;
    for (const fresh of regionsOf(page)) {
      const name = fresh.dataset.region;
      const source = fresh.outerHTML;
      const known = here.get(name);
      here.delete(name);
      const same = known && source === original.get(name);
      if (!known) previous.after(fresh);
      else if (!same) replace(known, fresh);
      original.set(name, source);
      previous = same ? known : fresh;
    }
    here.forEach(remove);
    const now = said(live);
    if (now !== lastSaid) announcement.textContent = now;
    lastSaid = now;
  }

  // An error has a page, too, with a sentence: the ChurnModel was deleted, say.
  function reasonOf(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    return page.querySelector(".error .sentence")?.textContent ?? "The web app does not answer.";
  }

  function warn(reason) {
    const sentence = `${reason} This page shows what was seen at ${lastSeen.toLocaleTimeString()}. It is tried again.`;
    if (stale.textContent !== sentence) stale.textContent = sentence;
    stale.hidden = false;
  }

  async function refresh() {
    if (document.hidden) return;
    let answer, html;
    try {
      answer = await fetch(live.dataset.source, { headers: { accept: "text/html" }, redirect: "error" });
      html = await answer.text();
    } catch {
      warn("The web app does not answer.");
      return;
    }
    if (!answer.ok) {
      warn(reasonOf(html));
      return;
    }
    if (html !== lastHtml) update(html);
    lastHtml = html;
    lastSeen = new Date();
    stale.hidden = true;
  }

  async function forever() {
    try {
      await refresh();
    } finally {
      setTimeout(forever, INTERVAL_MILLISECONDS);
    }
  }

  document.addEventListener("visibilitychange", refresh);
  setTimeout(forever, INTERVAL_MILLISECONDS);
})();
