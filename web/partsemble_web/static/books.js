// Pages of the books: copying a text, and choosing an account by typing. Without scripts both are plain controls.
"use strict";
(() => {
  // Copy: the button shows only where it works.
  document.querySelectorAll("[data-copies]").forEach((button) => {
    const text = document.getElementById(button.dataset.copies);
    const word = button.querySelector("span");
    const plain = word.textContent;
    button.hidden = false;
    const select = () => {
      const range = document.createRange();
      range.selectNodeContents(text);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
    };
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
      } catch {
        select();
        if (!document.execCommand("copy")) return;
      }
      word.textContent = button.dataset.said;
      setTimeout(() => (word.textContent = plain), 2000);
    });
  });

  // Long work: while a form's answer is on its way, the page says what is being done.
  const waits = (form, on) => {
    const notice = document.getElementById(form.dataset.waits);
    notice.hidden = !on;
    if (on) notice.scrollIntoView({ block: "nearest" });
  };
  const waiting = document.querySelectorAll("form[data-waits]");
  waiting.forEach((form) => form.addEventListener("submit", () => waits(form, true)));
  window.addEventListener("pageshow", () => waiting.forEach((form) => waits(form, false)));

  // A select becomes a combobox with a list below it: type a code or a part of a name, move by arrows, choose by Enter.
  // The select stays, hidden: it is what the form sends. What can't be chosen is shown, with its reason.
  let number = 0;
  const MOST = 200;

  const textOf = (option) => option.dataset.text ?? option.label;
  const choicesOf = (select) => {
    const seen = new Set();
    return [...select.options]
      .filter((option) => !(seen.has(option.value) && !option.selected) && seen.add(option.value))
      .map((option) => ({
        option,
        value: option.value,
        text: textOf(option),
        reason: option.dataset.reason ?? "",
        group: option.dataset.group ?? "",
        off: option.disabled,
        words: textOf(option).toLowerCase(),
      }));
  };

  const make = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  const enhance = (select) => {
    const id = `picker-${(number += 1)}`;
    const label = document.querySelector(`label[for="${select.id}"]`);
    const list = make("ul", { class: "picker-list", role: "listbox", id: `${id}-list`, "aria-label": label?.textContent.trim() ?? "" });
    list.hidden = true;
    const input = make("input", {
      class: "form-select picker-input",
      id: `${id}-input`,
      type: "text",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: select.dataset.typed ?? "",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": list.id,
      "aria-describedby": select.getAttribute("aria-describedby"),
      "aria-required": select.dataset.required ?? null,
    });
    input.disabled = select.disabled;
    const why = make("p", { class: "hint low", "aria-live": "polite", id: `${id}-why` });
    const described = input.getAttribute("aria-describedby") ?? "";
    let choices = null;
    let active = null;

    const shown = () => select.selectedOptions[0];
    const blame = (text) => {
      input.setCustomValidity(text);
      input.classList.toggle("is-invalid", Boolean(text));
      input.setAttribute("aria-describedby", `${text ? why.id : ""} ${described}`.trim());
      why.textContent = text;
      if (text) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    };
    // What was meant but can't be used says why itself.
    const offWords = (choice) =>
      (select.dataset.off ?? "{account}: {reason}").replace("{account}", () => choice.text).replace("{reason}", () => choice.reason);
    const meant = (typed) => {
      const found = find(typed);
      const words = typed.trim().toLowerCase();
      const exact = found.find((choice) => choice.value.toLowerCase() === words || choice.words === words);
      return exact ?? (found.length === 1 ? found[0] : undefined);
    };
    const write = () => {
      input.value = shown()?.value ? textOf(shown()) : "";
      blame("");
    };
    const mark = (item) => {
      active?.classList.remove("is-active");
      active = item;
      active?.classList.add("is-active");
      if (active) input.setAttribute("aria-activedescendant", active.id);
      else input.removeAttribute("aria-activedescendant");
      active?.scrollIntoView({ block: "nearest" });
    };
    const close = () => {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      mark(null);
    };
    const item = (choice, i) => {
      const made = make(
        "li",
        {
          class: "picker-item",
          role: "option",
          id: `${id}-${i}`,
          "aria-selected": String(choice.value === select.value),
          "aria-disabled": choice.off ? "true" : null,
        },
        make("span", { class: "picker-text" }, choice.text),
      );
      if (choice.reason) made.append(make("span", { class: "picker-reason" }, choice.reason));
      made.dataset.value = choice.value;
      return made;
    };
    const find = (typed) => {
      choices ??= choicesOf(select);
      const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
      return choices.filter((choice) => words.every((word) => choice.words.includes(word)));
    };
    const fill = (typed) => {
      const found = find(typed);
      const groups = new Map();
      found.slice(0, MOST).forEach((choice, i) => {
        if (!groups.has(choice.group)) groups.set(choice.group, []);
        groups.get(choice.group).push(item(choice, i));
      });
      const parts = [...groups].flatMap(([name, items], i) => {
        if (!name) return items;
        const title = make("li", { class: "picker-group", role: "presentation", id: `${id}-group-${i}` }, name);
        return [make("li", { role: "none" }, make("ul", { role: "group", "aria-labelledby": title.id }, title, ...items))];
      });
      if (!found.length) parts.push(make("li", { class: "picker-none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, select.dataset.none ?? "–"));
      if (found.length > MOST) parts.push(make("li", { class: "picker-none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, select.dataset.more ?? "…"));
      list.replaceChildren(...parts);
    };
    const open = (typed) => {
      fill(typed);
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      const best = typed ? meant(typed)?.value : undefined;
      mark(typed ? (items().find((each) => (best === undefined ? !isOff(each) : each.dataset.value === best)) ?? null) : list.querySelector('[aria-selected="true"]'));
    };
    const items = () => [...list.querySelectorAll(".picker-item")];
    const isOff = (each) => each.getAttribute("aria-disabled") === "true";
    const refuse = (choice) => {
      if (!choice) return;
      input.value = choice.text;
      close();
      blame(offWords(choice));
    };
    const choose = (each) => {
      if (!each) return;
      if (isOff(each) && each.dataset.value !== select.value) return refuse(choices.find((choice) => choice.value === each.dataset.value));
      select.value = each.dataset.value;
      select.dispatchEvent(new Event("change", { bubbles: true }));
      write();
      close();
    };
    const move = (step) => {
      if (list.hidden) return open("");
      const all = items();
      if (!all.length) return;
      const at = all.indexOf(active);
      mark(all[at < 0 ? (step > 0 ? 0 : all.length - 1) : (at + step + all.length) % all.length]);
    };
    const keys = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      Enter: () => {
        if (list.hidden) return false;
        choose(active);
      },
      Escape: () => {
        if (list.hidden) return false;
        write();
        close();
      },
    };

    input.addEventListener("input", () => {
      blame("");
      open(input.value);
    });
    input.addEventListener("click", () => (list.hidden ? open("") : undefined));
    input.addEventListener("focus", () => input.select());
    input.addEventListener("keydown", (event) => {
      const done = keys[event.key]?.();
      if (keys[event.key] && done !== false) event.preventDefault();
    });
    // Leaving it empty unsets it, where that may be. What was typed and not chosen stays, and keeps the form from being
    // sent: nobody should believe that it was saved.
    input.addEventListener("blur", () => {
      const typed = input.value.trim();
      if (!typed && [...select.options].some((option) => option.value === "")) select.value = "";
      if (!typed || (shown()?.value && typed === textOf(shown()))) write();
      else {
        const only = meant(typed);
        if (only?.off) blame(offWords(only));
        else blame((find(typed).length ? select.dataset.unchosen : select.dataset.none) ?? "–");
      }
      close();
    });
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => choose(event.target.closest(".picker-item")));

    select.hidden = true;
    if (label) label.htmlFor = input.id;
    select.after(make("div", { class: "picker" }, input, list), why);
    write();
    if (select.getAttribute("aria-invalid") === "true") {
      input.classList.add("is-invalid");
      input.setAttribute("aria-invalid", "true");
    }
  };

  document.querySelectorAll("select[data-picker]").forEach(enhance);
})();
