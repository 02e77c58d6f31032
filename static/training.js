// Draws the curves of a run page and keeps them up to date while the run works.
// Without this script the tables behind the charts show the same numbers.

import { axis, legend, palette } from "./charts.js";

const section = document.getElementById("curves");
const template = document.getElementById("curve-template");
const charts = new Map(); // measure → Chart

// Meaning is never by color alone: each line has a dash and a mark of its own.
const DASHES = [[], [6, 3], [2, 2], [10, 3, 2, 3], [14, 4], [4, 2, 1, 2]];
const MARKS = ["circle", "rect", "triangle", "rectRot", "crossRot", "star"];
const MARKS_PER_LINE = 12;

function figureFor(curve) {
  const found = section.querySelector(`[data-measure="${CSS.escape(curve.measure)}"]`);
  if (found) return found;
  document.getElementById("no-curves")?.remove();
  const figure = template.content.firstElementChild.cloneNode(true);
  figure.dataset.measure = curve.measure;
  figure.querySelector("h3").textContent = curve.title;
  figure.querySelector("figcaption span").textContent = curve.unit;
  figure.querySelector("canvas").setAttribute("aria-label", curve.title);
  section.append(figure);
  return figure;
}

function datasets(curve, colors) {
  return curve.lines.map((line, i) => ({
    label: line.name || curve.title,
    data: line.points.map(([x, y]) => ({ x, y })),
    borderColor: colors.lines[i % colors.lines.length],
    backgroundColor: colors.lines[i % colors.lines.length],
    borderDash: DASHES[i % DASHES.length],
    pointStyle: MARKS[i % MARKS.length],
    pointRadius: ({ dataIndex }) => (dataIndex % Math.ceil(line.points.length / MARKS_PER_LINE) ? 0 : 3),
    hoverBackgroundColor: colors.lines[i % colors.lines.length],
    hoverBorderColor: colors.lines[i % colors.lines.length],
    borderWidth: 2,
  }));
}

function options(curve, colors) {
  return {
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    plugins: { legend: { display: curve.lines.length > 1, ...legend(colors) } },
    scales: { x: axis(section.dataset.xTitle, colors), y: axis(curve.unit, colors) },
  };
}

function draw(curve, colors) {
  const figure = figureFor(curve);
  const chart = charts.get(curve.measure);
  if (chart) {
    chart.data.datasets = datasets(curve, colors);
    chart.options = options(curve, colors);
    chart.update();
  } else {
    const canvas = figure.querySelector("canvas");
    charts.set(
      curve.measure,
      new Chart(canvas, { type: "line", data: { datasets: datasets(curve, colors) }, options: options(curve, colors) }),
    );
  }
  fillTable(figure.querySelector("table"), curve);
}

function fillTable(table, curve) {
  const steps = [...new Set(curve.lines.flatMap((line) => line.points.map(([x]) => x)))].sort((a, b) => b - a);
  const values = curve.lines.map((line) => new Map(line.points));
  const head = document.createElement("tr");
  head.append(cell("th", section.dataset.xTitle), ...curve.lines.map((line) => cell("th", line.name || curve.title)));
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(
    ...steps.slice(0, 50).map((step) => {
      const row = document.createElement("tr");
      row.append(cell("td", step), ...values.map((line) => cell("td", format(line.get(step)))));
      return row;
    }),
  );
}

function cell(tag, text) {
  const element = document.createElement(tag);
  element.className = "number";
  if (tag === "th") element.scope = "col";
  element.textContent = text;
  return element;
}

function format(value) {
  if (value === undefined) return "–";
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

let loading = false;

async function refresh() {
  if (loading) return;
  loading = true;
  try {
    const answer = await fetch(section.dataset.metrics, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const { curves, is_over: isOver } = await answer.json();
    const colors = palette();
    for (const curve of curves) draw(curve, colors);
    // A run's page is kept alive by its state; runs laid over each other have none.
    if (!isOver && !document.getElementById("live")) setTimeout(refresh, 6000);
  } finally {
    loading = false;
  }
}

refresh();
// The live part of the page comes anew every two seconds; every third time the curves do, and once at the end.
let swaps = 0;
document.body.addEventListener("htmx:afterSwap", () => {
  swaps += 1;
  if (swaps % 3 === 0 || document.getElementById("live")?.dataset.over === "yes") refresh();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
