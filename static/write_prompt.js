// Writing prompts: the fields of the chosen kind, rows of pairs, the draft, Ctrl+Enter.

import { isForeign, openDialog, openWork } from "./work.js";

const form = document.getElementById("work");
const submit = document.getElementById("submit");
const rows = document.getElementById("pairs");
const FEWEST_PAIRS = 2;
const MOST_PAIRS = 20;
const NAMES = ["kind", "category", "language", "prompt", "use_case", "instruction", "query"];
let isSaved = false;

const kind = () => form.elements.kind.value;

function pairs() {
  return [...rows.children].map((row) => {
    const [query, response] = row.querySelectorAll("textarea");
    return { query: query.value, response: response.value };
  });
}

/** What is kept; `text` is for a person who has to choose between two versions. What nobody typed is no work. */
function readDraft() {
  const entered = Object.fromEntries(NAMES.map((name) => [name, form.elements[name].value]));
  const isFewShot = entered.kind === "few_shot";
  const examples = pairs().flatMap(({ query, response }) => [query, response]);
  const parts = isFewShot ? [entered.instruction, ...examples, entered.query] : [entered.use_case, entered.prompt];
  return { ...entered, pairs: pairs(), text: parts.filter(Boolean).join("\n") };
}

const work = openWork(form, readDraft);

function showKind() {
  for (const part of form.querySelectorAll("[data-kinds]")) {
    part.hidden = !part.dataset.kinds.split(" ").includes(kind());
  }
}

function addPair() {
  if (rows.children.length >= MOST_PAIRS) return;
  const row = rows.lastElementChild.cloneNode(true);
  for (const box of row.querySelectorAll("textarea")) box.value = "";
  rows.append(row);
  row.querySelector("textarea").focus();
  work.changed();
}

function removePair(row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  if (rows.children.length > FEWEST_PAIRS) row.remove();
  else for (const box of row.querySelectorAll("textarea")) box.value = "";
  (row.isConnected ? row : next).querySelector("textarea").focus();
  work.changed();
}

/** Sent is what the server keeps as a draft: should the answer be lost, nothing else is. */
async function saveFirst() {
  submit.disabled = true;
  await work.saving;
  await work.save();
  submit.disabled = false;
  if (work.differs) return;
  if (work.isDirty) {
    work.note("unsent", "");
    work.note("unsent", work.words.unsent);
    return;
  }
  isSaved = true;
  form.draft_version.value = String(work.version);
  form.requestSubmit(submit);
}

form.addEventListener("input", () => work.changed());
form.addEventListener("change", showKind);
form.addEventListener("submit", (event) => {
  if (isSaved) return;
  event.preventDefault();
  saveFirst();
});
form.addEventListener("click", (event) => {
  const button = event.target.closest("button[name=do]");
  if (!button) return;
  event.preventDefault();
  if (button.id === "add-pair") addPair();
  else removePair(button.closest("li"));
});
document.getElementById("guidelines-open").addEventListener("click", (event) => {
  event.preventDefault();
  openDialog("guidelines");
});
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229 || document.querySelector("dialog[open]")) return;
  const isControl = event.ctrlKey || event.metaKey;
  if (event.key === "Enter" && isControl) form.requestSubmit(submit);
  else if (event.code === "KeyA" && event.altKey && !isControl && kind() === "few_shot") addPair();
  else if (event.key === "Escape") document.activeElement.blur();
  else if (isForeign(event) || event.target.matches?.("textarea, input, select")) return;
  else if (event.key.toLowerCase() === "g") openDialog("guidelines");
  else return;
  event.preventDefault();
});
// The page may come back from the browser's cache after it was sent.
addEventListener("pageshow", () => (isSaved = false));
