// Sensitive texts, covered until somebody opens them: V opens all or covers them again. What is open stays open
// for as long as somebody is at the task: through every swap of the page, a reload, and in the comparison too.

import { isForeign } from "./work.js";

const covers = (root = document) => [...root.querySelectorAll(".cover")];

/** Of the task that is shown, until the signal says that it is over. */
export function keep(signal) {
  if (signal.aborted) return;
  const name = `preceptor-opened-${document.getElementById("work-state").dataset.key}`;
  const opened = new Set(JSON.parse(sessionStorage.getItem(name) ?? "[]"));
  for (const cover of covers()) if (cover.open) opened.add(cover.dataset.cover);
  const restore = () => covers().forEach((cover) => (cover.open = opened.has(cover.dataset.cover)));

  function onToggle({ target }) {
    if (!target.matches?.(".cover")) return;
    opened[target.open ? "add" : "delete"](target.dataset.cover);
    sessionStorage.setItem(name, JSON.stringify([...opened]));
    // The same text may stand on the page and in the comparison.
    for (const cover of covers()) if (cover.dataset.cover === target.dataset.cover) cover.open = target.open;
  }

  document.addEventListener("toggle", onToggle, { capture: true, signal });
  document.addEventListener("keydown", onKey, { signal });
  const comparison = document.getElementById("comparison-body");
  if (comparison) new MutationObserver(restore).observe(comparison, { childList: true });
  restore();
}

function onKey(event) {
  if (isForeign(event) || event.target.matches?.("textarea, select, input[type=text]")) return;
  if (event.key.normalize("NFKC").toLowerCase() !== "v") return;
  const shown = covers(document.querySelector("dialog[open]") ?? document);
  if (!shown.length) return;
  event.preventDefault();
  const isOpening = shown.some((cover) => !cover.open);
  for (const cover of shown) cover.open = isOpening;
  const said = document.getElementById("covers-said");
  if (said) said.textContent = isOpening ? said.dataset.opened : said.dataset.covered;
}
