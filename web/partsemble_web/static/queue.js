// The order of planned builds: rows are dragged, or moved by their buttons, and each move is saved at once. The server
// moves one build within the order of now and answers with the whole page, so two people who move at once both see it.
"use strict";
(() => {
  const said = (row) => {
    const status = document.getElementById("queue-said");
    const rows = [...document.querySelectorAll("[data-queue] > tr")];
    if (!status || !row) return;
    const values = { reference: row.dataset.reference, place: rows.indexOf(row) + 1, count: rows.length };
    status.textContent = status.dataset.place.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  };
  const rowOf = (id) => document.querySelector(`[data-queue] > tr[data-id="${id}"]`);

  let turn = Promise.resolve();
  const send = (form, name, value) => {
    const id = form.closest("tr").dataset.id;
    const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value, [name]: value });
    turn = turn.then(async () => {
      try {
        const answer = await fetch(form.action, { method: "POST", body, headers: { "Partsemble-Live": "1" } });
        const held = document.activeElement;
        window.partsemble.show(await answer.text());
        if (answer.ok) said(rowOf(id));
        else document.getElementById("failure")?.focus();
        if (held?.disabled) rowOf(id)?.querySelector("[data-move] button:not(:disabled)")?.focus();
      } catch {
        location.reload(); // whatever was saved is shown
      }
    });
  };

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-move]")) return;
    event.preventDefault();
    send(event.target, "to", event.submitter.value);
  });

  const makeSortable = () => {
    const body = document.querySelector("[data-queue]");
    if (!body || window.Sortable.get(body)) return;
    window.Sortable.create(body, {
      handle: "[data-grip]",
      animation: 120,
      onEnd: ({ item, oldIndex, newIndex }) => {
        if (oldIndex === newIndex) return;
        send(item.querySelector("[data-move]"), "after", item.previousElementSibling?.dataset.id ?? "0");
      },
    });
  };
  document.addEventListener("partsemble:shown", makeSortable);
  makeSortable();
})();
