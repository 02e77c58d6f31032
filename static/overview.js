// Draws the tables behind the charts of a manager's overview. Without this script the tables are there alone.

import { axis, legend, palette } from "./charts.js";

const charts = [];

function read(table) {
  const titles = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells]);
  // The newest day stands first in the table and last in the chart.
  rows.reverse();
  return {
    xTitle: titles[0],
    labels: rows.map((cells) => cells[0].textContent.trim()),
    series: titles.slice(1).map((title, i) => ({ title, values: rows.map((cells) => Number(cells[i + 1].dataset.value)) })),
  };
}

// Meaning is never by color alone: bars that lie on each other differ in lightness and have an outline.
function datasets(series, colors) {
  return series.map(({ title, values }, i) => ({
    label: title,
    data: values,
    backgroundColor: i === 0 ? colors.lines[0] : colors.lines[2],
    borderColor: colors.text,
    borderWidth: i === 0 ? 0 : 1,
    stack: "all",
    maxBarThickness: 28,
    pointStyle: ["rect", "triangle"][i % 2],
  }));
}

function options(figure, { xTitle, series }, colors) {
  const y = axis(figure.dataset.unit, colors);
  const x = { ...axis(xTitle, colors), type: "category", stacked: true };
  x.ticks = { color: colors.text, maxTicksLimit: 8, maxRotation: 0, autoSkip: true };
  x.grid = { display: false };
  return {
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    plugins: { legend: { display: series.length > 1, ...legend(colors) } },
    scales: { x, y: { ...y, beginAtZero: true, stacked: true } },
  };
}

function draw() {
  while (charts.length) charts.pop().destroy();
  const colors = palette();
  for (const figure of document.querySelectorAll("figure[data-unit]")) {
    const content = read(figure.querySelector("table"));
    charts.push(
      new Chart(figure.querySelector("canvas"), {
        type: "bar",
        data: { labels: content.labels, datasets: datasets(content.series, colors) },
        options: options(figure, content, colors),
      }),
    );
  }
}

draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
