// The review page by keyboard: A accepts, R writes a note, J and K go through the list. Without it the buttons do the same.

import { isForeign, openDialog } from "./work.js";

const note = document.getElementById("note");
const press = (id) => document.getElementById(id)?.click();

const KEYS = {
  a: () => press("accept"),
  r: () => note.focus(),
  j: () => press("older"),
  ArrowRight: () => press("older"),
  k: () => press("newer"),
  ArrowLeft: () => press("newer"),
  "?": () => openDialog("help"),
};

document.addEventListener("keydown", (event) => {
  if (isForeign(event) || event.repeat || event.target === note || document.querySelector("dialog[open]")) return;
  // Full-width signs are what some input methods write when they are not composing.
  const key = event.key.length === 1 ? event.key.normalize("NFKC").toLowerCase() : event.key;
  if (!KEYS[key]) return;
  event.preventDefault();
  KEYS[key]();
});

note.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  if (event.key === "Escape") note.blur();
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  press("return");
});

document.getElementById("help-open").addEventListener("click", () => openDialog("help"));
