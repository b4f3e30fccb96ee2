// Draws each [data-stock]: quantity and value of a product as steps; the table beside it says the same in words.
"use strict";
(() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const language = document.documentElement.lang;

  const draw = (place) => {
    const { days, quantities, values } = JSON.parse(place.dataset.stock);
    const written = (value) => value.toLocaleString(language, { maximumFractionDigits: 2 });
    const axis = { stroke: colour("--ink-3"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px Inter, sans-serif" };
    const fromNought = (room) => (_, low, high) => [Math.min(low, 0), high > 0 ? high * room : 1];
    const times = days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000);
    const span = times.at(-1) - times[0];
    const isShort = span < 200 * 86400;
    const month = { month: "short", timeZone: "UTC", ...(isShort ? { day: "numeric" } : {}) };
    const steps = isShort ? { incrs: [1, 2, 7, 14, 28, 56].map((count) => count * 86400) } : {};
    const stepped = uPlot.paths.stepped({ align: 1 });
    const options = {
      width: place.clientWidth,
      height: 200,
      cursor: { y: false },
      legend: { show: false },
      tzDate: (stamp) => uPlot.tzDate(new Date(stamp * 1000), "UTC"),
      // More room above the value: where cost hardly changes, the two would lie on each other.
      scales: { quantity: { range: fromNought(1.1) }, value: { range: fromNought(1.35) } },
      axes: [
        { ...axis, ...steps, grid: { show: false }, space: 64, values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toLocaleDateString(language, month)) },
        { ...axis, scale: "quantity", size: 56, values: (_, ticks) => ticks.map(written) },
        { ...axis, scale: "value", side: 1, size: 64, grid: { show: false }, values: (_, ticks) => ticks.map(written) },
      ],
      series: [
        {},
        { scale: "quantity", stroke: colour("--accent"), fill: colour("--accent-soft"), width: 2, paths: stepped, points: { show: days.length < 3 } },
        { scale: "value", stroke: colour("--amber"), width: 2, dash: [6, 4], paths: stepped, points: { show: false } },
      ],
    };
    place.replaceChildren();
    return new uPlot(options, [times, quantities.map(Number), values.map(Number)], place);
  };

  for (const place of document.querySelectorAll("[data-stock]")) {
    let chart = draw(place);
    new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: 200 })).observe(place);
    new MutationObserver(() => {
      chart.destroy();
      chart = draw(place);
    }).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  }
})();
