// Keeps a page in step with what others do. The server is asked whether anything has changed; if so the page is fetched
// again and what differs is exchanged, so that focus and scroll stay. What somebody is typing is never touched: then a
// bar offers the new page instead.
"use strict";
(() => {
  const main = document.querySelector("main[data-live]");
  const bar = document.getElementById("news");
  if (!main) return;
  const USUAL = 5000;
  const SOON = 2000;
  const LONGEST = 60000;
  const HEADERS = { "Partsemble-Live": "1" };
  let mark = main.dataset.live;
  let wait = USUAL;
  let timer = 0;
  let isStale = false;
  let hasMovedRows = false;

  // What somebody has done to the page
  const isTyped = (field) => {
    if (field.form?.method === "get" && field.name !== "ids") return false; // it lives in the address
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName === "SELECT") {
      const first = [...field.options].findIndex((option) => option.defaultSelected);
      return field.selectedIndex !== Math.max(first, 0);
    }
    return field.type !== "hidden" && field.value !== field.defaultValue;
  };
  const fields = () => [...main.querySelectorAll("input, select, textarea")].filter((field) => !field.closest(".pick-columns"));
  const isInUse = () =>
    hasMovedRows ||
    document.querySelector("dialog[open], form[data-sent], .sortable-chosen, .htmx-request") !== null ||
    fields().some(isTyped);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-row-in], [data-row-out]")) hasMovedRows = true;
  });

  // The page as the server made it, without what differs each time and what scripts have added
  const plain = (page) => {
    const copy = page.cloneNode(true);
    copy.querySelectorAll("[data-flash], [name=csrf_token], [data-chart] > *, [data-ticked]").forEach((each) => each.remove());
    copy.querySelectorAll("dialog[open]").forEach((each) => each.removeAttribute("open"));
    return copy.innerHTML.replace(/\s+/g, " ");
  };
  let shown = plain(main);
  document.addEventListener("htmx:afterSettle", () => {
    shown = plain(main);
  });

  // Exchanging what differs
  const keyOf = (node) => {
    if (node.nodeType !== Node.ELEMENT_NODE) return "";
    const row = node.matches("tr, li") ? node.querySelector("a[href]")?.getAttribute("href") : "";
    return node.id || node.dataset?.key || row || "";
  };
  const isSame = (old, fresh) => old.nodeName === fresh.nodeName && old.type === fresh.type;
  const takeAttributes = (old, fresh) => {
    for (const { name } of [...old.attributes])
      if (!fresh.hasAttribute(name) && !(name === "open" && old.tagName === "DETAILS")) old.removeAttribute(name);
    for (const { name, value } of [...fresh.attributes])
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  };
  const takeValue = (old, fresh) => {
    if (old.type === "checkbox" || old.type === "radio") old.checked = fresh.checked;
    else if (old.tagName === "SELECT") old.selectedIndex = fresh.selectedIndex;
    else if (old.tagName === "INPUT" || old.tagName === "TEXTAREA") old.value = fresh.value;
  };
  const take = (old, fresh) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    if (old.name === "csrf_token" || old.matches("[data-chart]")) return;
    takeAttributes(old, fresh);
    takeChildren(old, fresh);
    if (old.form?.method !== "get") takeValue(old, fresh);
  };
  const takeChildren = (old, fresh) => {
    const kept = new Map([...old.children].reverse().map((child) => [keyOf(child), child]));
    kept.delete("");
    let at = old.firstChild;
    const skip = () => {
      while (at?.dataset?.flash !== undefined) at = at.nextSibling;
    };
    for (const next of [...fresh.childNodes]) {
      skip();
      const key = keyOf(next);
      const found = key ? kept.get(key) : at && !keyOf(at) ? at : null;
      if (!found || !isSame(found, next)) {
        old.insertBefore(document.importNode(next, true), at);
        continue;
      }
      kept.delete(key);
      if (found === at) at = at.nextSibling;
      else old.insertBefore(found, at);
      take(found, next);
    }
    for (skip(); at; skip()) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  };
  const show = (page) => {
    const held = document.activeElement;
    const top = window.scrollY;
    document.title = page.title;
    takeChildren(main, page.querySelector("main"));
    window.htmx?.process(main);
    if (held !== document.activeElement) (held.isConnected ? held : main).focus({ preventScroll: true });
    window.scrollTo(window.scrollX, top);
    shown = plain(main);
    document.dispatchEvent(new CustomEvent("partsemble:shown"));
  };

  window.partsemble = {
    /** Shows a page that the server has just answered with. */
    show: (text) => show(new DOMParser().parseFromString(text, "text/html")),
  };
  if (!main.dataset.live) return;

  const tell = (hasNews) => {
    isStale = hasNews;
    if (bar) bar.hidden = !hasNews;
  };
  const fetchPage = async () => {
    const answer = await fetch(location.href, { headers: HEADERS });
    const lies = new URL(answer.url);
    if (answer.redirected && lies.pathname !== location.pathname)
      return isInUse() || lies.pathname === "/sign-in" ? tell(true) : location.assign(lies);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main");
    if (!answer.ok || !fresh) return tell(true);
    if (plain(fresh) === shown) return tell(false);
    if (isInUse()) return tell(true);
    tell(false);
    if (page.documentElement.lang !== document.documentElement.lang) return location.reload(); // numbers are read in it
    show(page);
  };

  const ask = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const answer = await fetch(`/live?seen=${mark}`, { headers: HEADERS, redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 401) return; // signed out
      if (!answer.ok) throw new Error(answer.status);
      wait = USUAL;
      if (answer.status === 204) {
        if (isStale && !isInUse()) await fetchPage();
      } else {
        const now = await answer.json();
        if (now.busy) wait = SOON;
        if (now.mark !== mark || isStale) await fetchPage();
        mark = now.mark;
      }
    } catch {
      wait = Math.min(wait * 2, LONGEST);
    }
    timer = setTimeout(ask, wait);
  };
  document.addEventListener("visibilitychange", ask);
  document.addEventListener("partsemble:ask", ask);
  bar?.querySelector("button").addEventListener("click", () => location.reload());
  timer = setTimeout(ask, SOON);
})();
