// Where a form doesn't hold all products, those that fit what is typed are asked for: the list of a SKU field (data-more
// on its datalist), or the select that a search field fills (data-fills). Nothing typed: what the page held.
"use strict";
(() => {
  const PAUSE = 200;
  const MOST = 50;
  const held = new WeakMap(); // what the page held of a list, and what it said
  const asked = new WeakMap(); // what a list was last asked for
  let timer = 0;
  let typing = null; // the field that is asked about after the pause
  let asking = null;

  const listOf = (field) => (field.dataset.fills ? document.getElementById(field.dataset.fills) : field.list);
  const moreOf = (field) => field.dataset.more ?? field.list?.dataset.more;
  const said = (field) => (field.dataset.fills ? document.getElementById(field.getAttribute("aria-describedby")) : null);

  const fill = (list, options) => {
    if (list.tagName !== "SELECT") return list.replaceChildren(...options);
    const { value, selectedOptions: [chosen] } = list;
    const [first] = held.get(list);
    const others = options.filter((option) => option.value && option.value !== value);
    if (options.includes(chosen)) list.replaceChildren(...options);
    else list.replaceChildren(first, ...(value ? [chosen] : []), ...others);
    list.value = value; // what was chosen stays so, found or not
  };
  const tell = (field, count) => {
    const place = said(field);
    if (!place) return;
    if (!held.has(place)) held.set(place, place.textContent);
    const words = count === null ? held.get(place) : count === 0 ? place.dataset.none : count < MOST ? place.dataset.found : place.dataset.many;
    place.textContent = words.replace("{count}", count);
  };
  const ask = async (field) => {
    const list = listOf(field);
    if (!held.has(list)) held.set(list, [...list.options]);
    const text = field.value.trim();
    asking?.abort();
    asked.set(list, text);
    if (!text) {
      fill(list, held.get(list));
      return tell(field, null);
    }
    asking = new AbortController();
    const address = new URL(moreOf(field), location.href);
    address.searchParams.set("search", text);
    try {
      const answer = await fetch(address, { signal: asking.signal, headers: { "HX-Request": "true" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(`<select>${await answer.text()}</select>`, "text/html");
      const options = [...page.querySelectorAll("option")].map((option) => document.importNode(option, true));
      fill(list, options);
      tell(field, options.length);
    } catch {
      // somebody typed on, or the server is away: what is offered stays, and any SKU can still be typed
    }
  };

  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLInputElement) || !moreOf(field)) return;
    clearTimeout(timer);
    asking?.abort();
    typing = field;
    timer = setTimeout(() => {
      typing = null;
      ask(field);
    }, PAUSE);
  });
  // One list serves the fields of all lines: whoever goes to another is offered what fits that one.
  document.addEventListener("focusin", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLInputElement) || !moreOf(field)) return;
    const list = listOf(field);
    if (typing && typing !== field && listOf(typing) === list) { // what fits the field before isn't for this one
      clearTimeout(timer);
      typing = null;
      asked.set(list, null);
    }
    if (asked.has(list) && asked.get(list) !== field.value.trim()) ask(field);
  });
  // Enter in a search field chooses what alone was found, and never sends the form.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.dataset?.fills) return;
    event.preventDefault();
    const list = listOf(event.target);
    const fitting = [...list.options].filter((option) => option.value && option !== list.selectedOptions[0]);
    if (event.target.value.trim() && fitting.length === 1) {
      list.value = fitting[0].value;
      list.dispatchEvent(new Event("change", { bubbles: true }));
    }
    list.focus();
  });
})();
