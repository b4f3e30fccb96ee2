// Scanning where a form is open, and the drawing of a trace. Everything is found by data attributes.
"use strict";
(() => {
  // A wide drawing begins at the lot that it is about.
  const graph = document.querySelector("[data-graph]");
  const middle = graph?.querySelector(".graph-middle rect");
  if (middle) graph.scrollLeft = middle.x.baseVal.value + middle.width.baseVal.value / 2 - graph.clientWidth / 2;

  // What a label's QR code holds, or what is typed: a code, and perhaps whose lot it is.
  const read = (text) => {
    const code = text.trim().replace(/^\][A-Za-z][0-9A-Za-z]/, "");
    try {
      const address = new URL(code);
      const found = address.searchParams.get("code");
      if (address.pathname.endsWith("/scan") && found) return { code: found, sku: address.searchParams.get("sku") ?? "" };
    } catch {
      // no address: the text itself is the code
    }
    return { code, sku: "" };
  };
  const same = (one, other) => one.normalize("NFC").toLowerCase() === other.normalize("NFC").toLowerCase();
  const say = (form, kind, values) => {
    const said = form.querySelector("[data-scan-said]");
    said.textContent = (form.dataset[kind] ?? "").replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
    said.classList.toggle("low", kind.startsWith("none") || kind.startsWith("several"));
  };

  // A count: the lot that is scanned has its row focused; scanned once more, it counts one more.
  const count = document.querySelector("[data-scan-count]");
  let last = null;
  count?.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = count.querySelector("[data-scan]");
    const { code, sku } = read(field.value);
    if (!code) return;
    const inputs = [...document.querySelectorAll("input[data-lot]")];
    const lots = inputs.filter((input) => same(input.dataset.lot, code) && (!sku || same(input.dataset.sku, sku)));
    const found = lots.length ? lots : inputs.filter((input) => same(input.dataset.sku, code));
    field.value = "";
    if (found.length !== 1) {
      last = null;
      field.focus();
      return say(count, found.length ? "several" : "none", { code, count: found.length });
    }
    const [input] = found;
    const values = { lot: input.dataset.lot, sku: input.dataset.sku };
    document.querySelectorAll(".is-scanned").forEach((row) => row.classList.remove("is-scanned"));
    input.closest("tr").classList.add("is-scanned");
    if (last === input) {
      input.value = plusOne(input.value);
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.closest("tr").scrollIntoView({ block: "center" });
      field.focus();
      return say(count, "more", { ...values, count: input.value });
    }
    last = input;
    input.focus();
    input.select();
    say(count, "found", values);
  });
  // The scanner types into whatever has the focus: a code in a count's field goes where it belongs.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !count || !event.target.matches?.("input[data-lot]")) return;
    event.preventDefault();
    const field = count.querySelector("[data-scan]");
    const input = event.target;
    const { code, sku } = read(input.value);
    const isCode = [...document.querySelectorAll("input[data-lot]")].some(
      (each) => (same(each.dataset.lot, code) && (!sku || same(each.dataset.sku, sku))) || same(each.dataset.sku, code),
    );
    if (code && (isCode || !/^[\d.,]+$/.test(code))) {
      input.value = input.dataset.before ?? "";
      field.value = code && sku ? `${location.origin}/scan?${new URLSearchParams({ code, sku })}` : code;
      return count.requestSubmit();
    }
    field.focus();
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("input[data-lot]")) event.target.dataset.before = event.target.value;
  });
  const plusOne = (text) => {
    const [whole, fraction] = (text.trim() || "0").split(".");
    if (!/^\d+$/.test(whole)) return "1";
    return String(BigInt(whole) + 1n) + (fraction ? `.${fraction}` : "");
  };

  // A receipt: the SKU, a supplier's number or a lot's label that is scanned becomes a line, its quantity to be typed.
  const receipt = document.querySelector("[data-scan-lines]");
  receipt?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = receipt.querySelector("[data-scan]");
    const { code, sku } = read(field.value);
    if (!code) return;
    field.value = "";
    const asked = new URLSearchParams({ code, sku });
    const answer = await fetch(`${receipt.action}?${asked}`, { headers: { Accept: "application/json" } });
    const found = answer.ok ? (await answer.json()).skus : [];
    if (found.length !== 1) {
      field.focus();
      return say(receipt, found.length ? "several" : "none", { code });
    }
    const rows = [...document.querySelectorAll('[data-rows="line-row"] tbody tr')];
    const skuOf = (row) => row.querySelector('[name="sku"]');
    let row = rows.find((each) => same(skuOf(each).value, found[0]));
    const isThere = Boolean(row);
    row ??= rows.find((each) => !skuOf(each).value.trim());
    if (!row) {
      document.querySelector('[data-row-in="line-row"]').click();
      row = document.querySelector('[data-rows="line-row"] tbody').lastElementChild;
    }
    skuOf(row).value = found[0];
    const quantity = row.querySelector('[name="quantity"]');
    quantity.focus();
    quantity.select();
    say(receipt, isThere ? "again" : "found", { sku: found[0] });
  });
  // Enter in a line goes back to the scanner instead of saving a draft that isn't finished.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !receipt || !event.target.matches?.('[data-rows="line-row"] input')) return;
    event.preventDefault();
    receipt.querySelector("[data-scan]").focus();
  });
})();
