// What every chart has in common: the page's colors in both themes, axes, and how numbers are written.

export function color(name) {
  // Custom properties hold light-dark(oklch(…)): the browser resolves them to pixels that Chart.js understands.
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  probe.style.color = `var(${name})`;
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  context.fillStyle = resolved;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
  return `rgb(${r}, ${g}, ${b})`;
}

export function palette() {
  return {
    lines: [1, 2, 3, 4, 5, 6].map((n) => color(`--series-${n}`)),
    text: color("--muted"),
    grid: color("--line"),
  };
}

// Chart.js writes a learning rate as 8.00000E-5; on the way there, sums of floats have picked up noise.
export function tickLabel(value) {
  const short = Number(value.toPrecision(6));
  return Math.abs(short) < 0.001 && short !== 0 ? short.toExponential() : short.toLocaleString(document.documentElement.lang);
}

export function axis(title, colors) {
  return {
    type: "linear",
    title: { display: Boolean(title), text: title, color: colors.text },
    ticks: { color: colors.text, maxTicksLimit: 6, callback: tickLabel },
    grid: { color: colors.grid },
    border: { color: colors.grid },
  };
}

export function legend(colors) {
  return { labels: { color: colors.text, usePointStyle: true, boxWidth: 8, boxHeight: 8 } };
}
