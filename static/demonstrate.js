// The writing page: drafts, length, Ctrl+Enter.

import { isForeign, openDialog, openTasks, openWork } from "./work.js";

// Chinese has no spaces between words, so its length is in characters.
const HAN = /\p{Script=Han}/u;

openTasks((form, signal) => {
  const text = form.elements.text;
  const length = document.getElementById("length");
  const work = openWork(form, () => ({ text: text.value }));

  function showLength() {
    const value = text.value.trim();
    const inCharacters = HAN.test(value);
    const count = inCharacters ? [...value].length : value.split(/\s+/).filter(Boolean).length;
    length.textContent = `${count} ${inCharacters ? length.dataset.characters : length.dataset.words}`;
  }

  text.addEventListener("input", () => {
    showLength();
    work.changed();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit(document.getElementById("submit"));
    } else if (event.key === "Escape" && !event.isComposing) text.blur();
  });
  document.addEventListener(
    "keydown",
    (event) => {
      if (isForeign(event) || event.target.matches?.("textarea, input, select")) return;
      const key = event.key.toLowerCase();
      if (!["g", "q"].includes(key) || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      document.getElementById(key === "g" ? "guidelines-open" : "question-open").click();
    },
    { signal },
  );
  document.getElementById("guidelines-open").addEventListener("click", (event) => {
    event.preventDefault();
    openDialog("guidelines");
  });
  showLength();
});
