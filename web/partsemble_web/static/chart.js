// Draws each [data-chart]: days and values as text; the table beside it says the same to those who can't see it.
"use strict";
(() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const draw = (place) => {
    const { days, values, unit, today = document.body.dataset.today } = JSON.parse(place.dataset.chart);
    const written = (value) => value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 0 });
    const axis = { stroke: colour("--ink-3"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px Inter, sans-serif" };
    const month = (index) => (index === days.length - 1 ? today : new Date(`${days[index]}T12:00:00`).toLocaleDateString(document.documentElement.lang, { month: "short" }));
    const options = {
      width: place.clientWidth,
      height: 200,
      cursor: { y: false },
      legend: { show: false },
      scales: { x: { time: false, range: (_, low, high) => [low - 0.25, high + 0.25] }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
      axes: [{ ...axis, size: 30, grid: { show: false }, space: 44, incrs: [1, 2, 3, 6], values: (_, ticks) => ticks.map((index) => (Number.isInteger(index) && index in days ? month(index) : "")) }, { ...axis, size: 64, values: (_, ticks) => ticks.map(written) }],
      series: [{}, { label: unit, stroke: colour("--accent"), fill: colour("--accent-soft"), width: 2, points: { size: 6, fill: colour("--accent") } }],
    };
    place.replaceChildren();
    return new uPlot(options, [days.map((_, index) => index), values.map(Number)], place);
  };

  for (const place of document.querySelectorAll("[data-chart]")) {
    let chart = draw(place);
    new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: 200 })).observe(place);
    new MutationObserver(() => {
      chart.destroy();
      chart = draw(place);
    }).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  }
})();
