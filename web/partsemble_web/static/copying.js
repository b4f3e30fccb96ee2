// Copies a secret that is shown once. Where the browser lets nobody copy, such as over plain http, it is selected.
"use strict";
(() => {
  const select = (element) => getSelection().selectAllChildren(element);

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copies]");
    if (!button) return;
    const element = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(element.textContent.trim());
      button.textContent = button.dataset.done;
      button.setAttribute("aria-live", "polite");
    } catch {
      select(element);
    }
  });
})();
