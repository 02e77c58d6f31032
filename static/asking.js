// Asking the managers about the task at hand, in a dialog above it. Loaded when asked for.

import { openDialog } from "./work.js";

const find = (id) => document.getElementById(id);
// What is written and not yet sent waits on this device, task by task.
const keyOf = () => `preceptor-question-${find("work-state").dataset.key}`;

/** The answer as text, or in words why there is none. */
async function load(address, options = {}) {
  const words = find("work-state").dataset;
  try {
    const answer = await fetch(address, { ...options, headers: { "HX-Request": "true" } });
    if (answer.redirected) return { problem: words.signedOut };
    if (!answer.ok && answer.status !== 400) return { problem: words.failed };
    return { ok: answer.ok, html: await answer.text() };
  } catch {
    return { problem: options.body ? words.unsent : find("question-said").dataset.unread };
  }
}

function say(text, isProblem) {
  const said = find("question-said");
  said.className = isProblem ? "notice warning" : "notice good";
  said.textContent = text;
}

function show(dialog, html) {
  find("question-body").innerHTML = html;
  const field = find("question-text");
  field.value ||= localStorage.getItem(keyOf()) ?? "";
  const unread = dialog.querySelector(".read-answers");
  if (!unread) return;
  // They are before the person's eyes now.
  fetch(unread.action, { method: "POST", body: new URLSearchParams(new FormData(unread)) });
  find("question-open").querySelector(".badge")?.remove();
  unread.remove();
}

async function send(dialog, form) {
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  const key = keyOf();
  const answer = await load(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (answer.ok) localStorage.removeItem(key);
  if (!form.isConnected) return;
  form.ariaBusy = "false";
  if (answer.problem) return say(answer.problem, true);
  show(dialog, answer.html);
  say(answer.ok ? find("question-said").dataset.asked : "", false);
  if (answer.ok) dialog.querySelector("form[method=dialog] button").focus();
  else find("question-text").focus();
}

export async function openQuestion() {
  const dialog = find("question");
  openDialog("question");
  if (!dialog.open) return;
  say("", false);
  dialog.onsubmit = (event) => {
    // Closing: else the hidden button would have the keys until the next frame, and Enter would submit nothing.
    if (!event.target.matches(".ask")) return document.activeElement.blur();
    event.preventDefault();
    send(dialog, event.target);
  };
  dialog.oninput = ({ target }) => localStorage.setItem(keyOf(), target.value);
  dialog.onkeydown = (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    event.target.form?.requestSubmit();
  };
  const answer = await load(find("question-open").href);
  if (!dialog.isConnected) return;
  if (answer.problem) return say(answer.problem, true);
  show(dialog, answer.html);
  find("question-text").focus();
}
