// The writing page: drafts, preview, length and tokens, what is pasted, Ctrl+Enter.

import { countPasted } from "./pasted.js";
import { isForeign, openDialog, openTasks, openWork } from "./work.js";

const COUNT_AFTER_MS = 600;
// Chinese has no spaces between words, so its length is in characters.
const HAN = /\p{Script=Han}/u;

openTasks((form, signal) => {
  const { text, pasted_characters: pasted } = form.elements;
  const byId = (id) => document.getElementById(id);
  const [length, tokens, share] = ["length", "tokens", "pasted"].map(byId);
  const [write, preview, shown] = ["write", "preview", "text-preview"].map(byId);
  let counting = null;
  const work = openWork(form, () => ({
    text: text.value,
    pasted_characters: pasted.value,
    assistance: form.elements.assistance.value,
    assistance_tool: form.elements.assistance_tool.value,
  }));

  function showLength() {
    const value = text.value.trim();
    const inCharacters = HAN.test(value);
    const count = inCharacters ? [...value].length : value.split(/\s+/).filter(Boolean).length;
    length.textContent = `${count} ${inCharacters ? length.dataset.characters : length.dataset.words}`;
    const part = Math.min(1, Number(pasted.value) / Math.max(1, [...text.value].length));
    share.textContent = part && text.value ? share.dataset.words.replace("{n}", Math.round(100 * part)) : "";
  }

  async function showTokens() {
    const sent = text.value;
    try {
      const body = new URLSearchParams({ text: sent, csrfmiddlewaretoken: form.csrfmiddlewaretoken.value });
      const answer = await fetch(tokens.dataset.address, { method: "POST", body });
      const { tokens: count } = answer.ok ? await answer.json() : {};
      if (sent !== text.value) return;
      tokens.textContent = Number.isInteger(count) ? tokens.dataset.words.replace("{n}", count) : "";
    } catch {
      // Without a connection there is no number, and nothing else is missing.
    }
  }

  function countLater(milliseconds) {
    clearTimeout(counting);
    if (tokens.dataset.address) counting = setTimeout(showTokens, milliseconds);
  }

  function showText() {
    shown.hidden = true;
    text.hidden = false;
    press(write);
    text.focus();
  }

  async function showPreview() {
    try {
      const body = new URLSearchParams({ text: text.value, csrfmiddlewaretoken: form.csrfmiddlewaretoken.value });
      const headers = { "HX-Request": "true" };
      const answer = await fetch(preview.getAttribute("formaction"), { method: "POST", headers, body });
      if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
      shown.innerHTML = await answer.text();
    } catch {
      shown.textContent = shown.dataset.failed;
    }
    shown.hidden = false;
    text.hidden = true;
    press(preview);
    shown.focus();
  }

  function press(button) {
    for (const one of [write, preview]) one.setAttribute("aria-pressed", String(one === button));
  }

  form.addEventListener("input", () => {
    showLength();
    work.changed();
  });
  text.addEventListener("input", () => countLater(COUNT_AFTER_MS));
  countPasted(text, pasted);
  write.addEventListener("click", showText);
  preview.addEventListener("click", (event) => {
    event.preventDefault();
    showPreview();
  });
  // The browser says what is missing where it is missing, and only where that can be seen.
  text.addEventListener("invalid", showText);
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.isComposing || event.keyCode === 229 || document.querySelector("dialog[open]")) return;
      const isControl = event.ctrlKey || event.metaKey;
      if (event.key === "Enter" && isControl) form.requestSubmit(byId("submit"));
      else if (event.code === "KeyP" && event.altKey && !isControl) shown.hidden ? showPreview() : showText();
      else if (event.key === "Escape" && !shown.hidden) showText();
      else if (event.key === "Escape") document.activeElement.blur();
      else if (isForeign(event) || event.target.matches?.("textarea, input, select")) return;
      else if (event.key.toLowerCase() === "g") byId("guidelines-open").click();
      else if (event.key.toLowerCase() === "q") byId("question-open").click();
      else return;
      event.preventDefault();
    },
    { signal },
  );
  byId("guidelines-open").addEventListener("click", (event) => {
    event.preventDefault();
    openDialog("guidelines");
  });
  write.hidden = false;
  if (!shown.hidden) showText();
  showLength();
  countLater(0);
});
