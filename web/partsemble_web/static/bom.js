// The BOM editor: lines are moved by hand or key, added and taken out; sub-assemblies unfold when they are opened.
"use strict";
(() => {
  // What something is made of is fetched when it is opened, at any depth; also on the page of a product.
  document.addEventListener(
    "toggle",
    (event) => {
      const opened = event.target;
      if (!opened.open || !opened.dataset.parts || opened.dataset.asked) return;
      opened.dataset.asked = "1";
      htmx.ajax("GET", opened.dataset.parts, { target: opened.querySelector(".bom-parts"), swap: "innerHTML" });
    },
    true,
  );

  const form = document.getElementById("bom");
  if (!form) return;
  const said = document.getElementById("bom-said");
  const totals = document.getElementById("totals");
  let added = 0;
  let changes = 0;
  let asked = 0;

  const linesOf = (list) => [...list.querySelectorAll(":scope > [data-line]")];
  const nameOf = (line) => line.querySelector('[name="sku"], [name="cost_label"]').value.trim() || said.dataset.unnamed;
  const changed = () => form.dispatchEvent(new CustomEvent("lines-changed", { bubbles: true }));
  const tell = (words, line) => {
    const lines = line.parentElement ? linesOf(line.parentElement) : [];
    const values = { line: nameOf(line), place: lines.indexOf(line) + 1, count: lines.length };
    said.textContent = words.replace(/{(\w+)}/g, (_, name) => values[name]);
  };

  const move = (button, down) => {
    const line = button.closest("[data-line]");
    const other = down ? line.nextElementSibling : line.previousElementSibling;
    if (!other) return tell(said.dataset.edge, line);
    if (down) other.after(line);
    else other.before(line);
    button.focus(); // the line was taken out and put back
    tell(said.dataset.moved, line);
    changed();
  };
  const add = (button) => {
    added += 1;
    const holder = document.createElement("template");
    holder.innerHTML = document.getElementById(button.dataset.lineIn).innerHTML.replaceAll("__line__", `new-${added}`);
    const line = holder.content.firstElementChild;
    document.getElementById(button.dataset.into).append(line);
    line.querySelector('[name="sku"], [name="cost_kind"]').focus();
  };
  const takeOut = (button) => {
    const line = button.closest("[data-line]");
    const next = line.nextElementSibling ?? line.previousElementSibling;
    const adding = line.closest(".card").querySelector("[data-line-in]");
    tell(said.dataset.out, line);
    line.remove();
    (next?.querySelector("[data-line-out]") ?? adding).focus();
    changed();
  };
  const clicks = {
    "[data-line-up]": (button) => move(button, false),
    "[data-line-down]": (button) => move(button, true),
    "[data-line-in]": add,
    "[data-line-out]": takeOut,
  };
  form.addEventListener("click", (event) => {
    for (const [selector, act] of Object.entries(clicks)) {
      const found = event.target.closest(selector);
      if (found) return act(found);
    }
  });
  form.querySelectorAll(".bom-lines").forEach((list) => {
    Sortable.create(list, {
      handle: "[data-grip]",
      animation: 150,
      forceFallback: true, // the same under a mouse and a finger
      fallbackTolerance: 3,
      ghostClass: "is-moved",
      onEnd: ({ item, oldIndex, newIndex }) => {
        if (oldIndex === newIndex) return;
        tell(said.dataset.moved, item);
        changed();
      },
    });
  });

  // Busy from a change on until the estimate that knows of it stands there.
  const isBusy = (busy) => totals.setAttribute("aria-busy", String(busy));
  for (const kind of ["input", "lines-changed"]) {
    form.addEventListener(kind, () => {
      changes += 1;
      isBusy(true);
    });
  }
  totals.addEventListener("htmx:beforeRequest", () => (asked = changes));

  // The estimate writes beside the lines; fields that it finds wrong say so themselves.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const shown = event.detail.target.querySelector?.("details[data-parts]");
    const coming = event.detail.fragment.querySelector?.("details[data-parts]");
    if (shown && shown.dataset.parts === coming?.dataset.parts) event.preventDefault(); // it may stand open
    else if (shown?.open && coming) setTimeout(() => (document.getElementById(event.detail.target.id).firstElementChild.open = true));
  });
  totals.addEventListener("htmx:afterSettle", () => {
    if (asked === changes) isBusy(false);
    for (const field of form.querySelectorAll("[data-cell], #f-output_quantity")) {
      const wrong = Boolean(document.getElementById(field.getAttribute("aria-describedby"))?.textContent.trim());
      field.classList.toggle("is-invalid", wrong);
      if (wrong) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  });
  for (const failure of ["htmx:responseError", "htmx:sendError"]) {
    totals.addEventListener(failure, (event) => {
      event.stopPropagation(); // or the page would be left, and with it what was typed
      const words = document.createElement("p");
      words.className = "card-text";
      words.textContent = totals.dataset.broken;
      totals.replaceChildren(words);
      isBusy(false);
    });
  }
})();
