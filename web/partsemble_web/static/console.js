// What the pages do beyond links and forms. Everything is found by data attributes, also in parts that htmx swaps in.
"use strict";
(() => {
  const root = document.documentElement;
  const channel = new BroadcastChannel("partsemble");

  const showMenu = (open) => {
    document.body.classList.toggle("menu-open", open);
    document.querySelector("[data-menu]")?.setAttribute("aria-expanded", String(open));
  };

  const addRow = (id) => {
    const table = document.querySelector(`[data-rows="${id}"] tbody`);
    table.append(document.getElementById(id).content.cloneNode(true));
    table.lastElementChild.querySelector("input, select").focus();
  };

  const clicks = {
    "[data-menu]": () => showMenu(!document.body.classList.contains("menu-open")),
    "[data-menu-shade]": () => showMenu(false),
    "[data-theme-toggle]": () => {
      root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
      localStorage.setItem("theme", root.dataset.bsTheme);
    },
    '[data-opens="palette"]': () => openPalette(),
    "[data-opens]": (button) => document.getElementById(button.dataset.opens).showModal(),
    "[data-closes]": (button) => button.closest("dialog").close(),
    "[data-row-in]": (button) => addRow(button.dataset.rowIn),
    "[data-row-out]": (button) => button.closest("[data-row]").remove(),
    "[data-close-window]": () => window.close(),
    "[data-back]": () => history.back(),
    "[data-print]": () => window.print(),
  };

  document.addEventListener("click", (event) => {
    for (const [selector, act] of Object.entries(clicks)) {
      const found = event.target.closest(selector);
      if (found) return act(found);
    }
    if (event.target.matches("dialog.ask, dialog.palette")) event.target.close();
  });

  // Keys. A key alone means nothing while somebody types.
  const focusSearch = () => document.getElementById("search") ?? openPalette();
  const toScan = () => document.querySelector("[data-scan]") ?? document.querySelector('#menu a[href$="/scan"]');
  const keys = {
    "s": () => (toScan()?.href ? toScan().click() : toScan()?.focus()),
    "/": () => focusSearch()?.focus(),
    "?": () => document.getElementById("shortcuts")?.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") showMenu(false);
    const withControl = event.ctrlKey || event.metaKey;
    if (withControl && event.key.toLowerCase() === "k" && palette) {
      event.preventDefault();
      return openPalette();
    }
    const typing = event.target.closest("input, select, textarea, dialog");
    if (typing || withControl || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  // The palette: pages of the menu are found here, everything else by the server. Arrows move, Enter opens the first.
  const palette = document.getElementById("palette");
  const asked = palette?.querySelector("input");
  const openPalette = () => {
    if (palette && !palette.open) palette.showModal();
    asked?.select();
    return asked;
  };
  const listPages = () => {
    const words = asked.value.trim().toLowerCase().split(/\s+/);
    const goesBy = (link) => `${link.textContent} ${link.dataset.words ?? ""}`.trim().toLowerCase().split(/\s+/);
    const links = [...document.querySelectorAll("#menu nav a")];
    const found = links.filter((link) => words.every((word) => goesBy(link).some((each) => each.startsWith(word))));
    palette.querySelector("[data-pages-title]").hidden = found.length === 0;
    palette.querySelector("[data-pages]").replaceChildren(
      ...found.slice(0, asked.value.trim() ? 4 : links.length).map((link) => {
        const item = document.createElement("li");
        const copy = link.cloneNode(true);
        copy.className = "hit";
        copy.removeAttribute("aria-current");
        item.append(copy);
        return item;
      }),
    );
  };
  asked?.addEventListener("input", listPages);
  palette?.addEventListener("keydown", (event) => {
    const hits = [...palette.querySelectorAll("a.hit")];
    const at = hits.indexOf(document.activeElement);
    if (event.key === "Escape") palette.close(); // a search field would be emptied first
    else if (event.key === "ArrowDown") (hits[at + 1] ?? hits[0])?.focus();
    else if (event.key === "ArrowUp") (at > 0 ? hits[at - 1] : asked).focus();
    else return;
    event.preventDefault();
  });
  if (palette) listPages();

  // A second click must not make a second document.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-window]")) window.open("about:blank", form.target, "popup,width=560,height=720");
    if (!form.matches("[data-once]")) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    form.querySelectorAll("button[type=submit]").forEach((button) => button.classList.add("is-busy"));
  });
  // What was typed and not sent isn't lost by a slip: the browser asks before it leaves. Ticks, scans, and the links of
  // the form itself, such as Cancel, don't count.
  const isTyped = (field) => field.form?.method === "post" && field.form.id !== "picked" && !field.matches("[data-scan]");
  let typed = document.querySelector("#menu") && document.querySelector("main form[method=post] .is-invalid") !== null;
  document.addEventListener("input", (event) => (typed ||= document.getElementById("menu") !== null && isTyped(event.target)));
  document.addEventListener("click", (event) => (typed &&= !event.target.closest("form[method=post] a[href]:not([target])")));
  document.addEventListener("submit", (event) => (typed &&= event.defaultPrevented));
  window.addEventListener("beforeunload", (event) => typed && event.preventDefault());

  // Ticks: all of the page at once, and how many there are.
  const ticks = () => [...document.querySelectorAll("input[name=ids][form=picked]")];
  const countTicks = () => {
    const all = ticks();
    const count = all.filter((each) => each.checked).length;
    document.querySelectorAll("input[data-tick-all]").forEach((each) => {
      each.checked = count > 0 && count === all.length;
      each.indeterminate = count > 0 && count < all.length;
    });
    document.querySelectorAll("[data-ticked]").forEach((each) => {
      each.textContent = each.dataset.ticked.replace("{count}", count.toLocaleString(document.documentElement.lang));
    });
  };
  const tickAll = (isTicked) => {
    ticks().forEach((each) => (each.checked = isTicked));
    countTicks();
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[data-tick-all]")) tickAll(event.target.checked);
    else if (event.target.name === "ids") countTicks();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("button[data-tick-all]")) tickAll(true);
    else if (event.target.closest("[data-tick-none]")) tickAll(false);
  });
  ["htmx:afterSettle", "partsemble:shown"].forEach((name) => document.addEventListener(name, countTicks));
  window.addEventListener("pageshow", countTicks);

  // The page comes back from the browser's memory as it was left: its forms can be sent again.
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("[data-once]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll(".is-busy").forEach((button) => button.classList.remove("is-busy"));
    });
  });

  // The window of a sign-in tells the page that opened it, and closes. The opener may be out of its reach by now.
  if (document.querySelector("[data-connected]")) {
    channel.postMessage("connected");
    setTimeout(() => window.close(), 1200);
  } else if (location.pathname.startsWith("/integrations") || location.pathname === "/first-steps/books") {
    channel.addEventListener("message", () => location.reload());
  }

  // A refusal instead of a part of the page is shown as the whole page that it is.
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status !== 401) location.assign(event.detail.pathInfo.finalRequestPath);
  });

  // Of tabs that don't all fit, the one that is open is seen.
  document.querySelector(".rooms .is-here")?.scrollIntoView({ block: "nearest", inline: "center" });

  // What was refused in a dialog is asked again there, as it was typed.
  document.querySelector("dialog[data-open-now]")?.showModal();
  document.getElementById("failure")?.focus();
})();
