// Keeps the loop page up to date while somebody looks at it. Without this script the page shows what was when it came.

const EVERY_MS = 3_000;

function refresh() {
  const loop = document.getElementById("loop");
  if (loop && document.visibilityState === "visible" && window.htmx) htmx.trigger(loop, "refresh");
}

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
