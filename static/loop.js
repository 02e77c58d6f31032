// Keeps the loop page up to date while somebody looks at it. Without this script the page shows what was when it came.

const EVERY_MS = 3_000;

function refresh() {
  const loop = document.getElementById("loop");
  if (loop && document.visibilityState === "visible" && window.htmx) htmx.trigger(loop, "refresh");
}

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);

// Signed out meanwhile, the answer is the sign-in page: show that whole, not inside this one.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.status === 200 && !xhr.responseText.startsWith('<div id="loop"')) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});
