// The writing page: drafts, length, Ctrl+Enter.

import { openWork } from "./work.js";

const form = document.getElementById("work");
const text = form.elements.text;
const length = document.getElementById("length");
const work = openWork(form, () => ({ text: text.value }));

// Chinese has no spaces between words, so its length is in characters.
const HAN = /\p{Script=Han}/u;

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
  }
});
showLength();
