// Asks before a button does something that is not easily undone.
"use strict";

(() => {
  const dialog = document.getElementById("confirm");
  const yes = document.getElementById("confirm-yes");
  let pressed = null;

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-confirm]");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    event.preventDefault();
    pressed = { form: button.form, name: button.name, value: button.value, id: button.id };
    document.getElementById("confirm-title").textContent = button.dataset.title;
    document.getElementById("confirm-text").textContent = button.dataset.confirm;
    yes.textContent = button.textContent.trim();
    dialog.showModal();
  });

  document.getElementById("confirm-no").addEventListener("click", () => dialog.close());
  // The page may have been refreshed meanwhile, so the pressed button may be gone.
  dialog.addEventListener("close", () => document.getElementById(pressed?.id)?.focus());
  yes.addEventListener("click", () => {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = pressed.name;
    field.value = pressed.value;
    pressed.form.append(field);
    pressed.form.submit();
  });
})();
