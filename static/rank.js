// The ranking page: rate each output, then rank them, or choose between two. The form's fields are the state:
// keys, clicks and drags only write into them.

import { keepConversation, missingAt, openRail, ratingOf, redraw } from "./rail.js";
import { isForeign, openDialog, openTasks, openWork } from "./work.js";

// Of the task that is shown; `open` sets them anew for each.
let form, outputs, aboutPrompt, isPair, isRated, controls, notice, said, stops, rail, work;
let mode, marked, stop, lastPlaced, isTouched, isAsked, current, past, future;

// --- places

const inputOf = (output) => output.querySelector("input[type=number]");

function placeOf(output) {
  const place = Number(inputOf(output).value);
  return Number.isInteger(place) && place >= 1 && place <= outputs.length ? place : null;
}

function put(output, place) {
  inputOf(output).value = place === null ? "" : String(place);
  if (place !== null) lastPlaced = output;
  const text = place === null ? said.dataset.removed : said.dataset.placed;
  said.textContent = text.replace("{output}", output.dataset.output).replace("{place}", String(place));
}

function putMarked(place) {
  put(outputs[marked], place);
  changed();
  mark(nextUnplaced());
}

function tieWithLast() {
  const other = lastPlaced === outputs[marked] ? null : lastPlaced;
  if (other && placeOf(other) !== null) putMarked(placeOf(other));
}

function moveMarked(step) {
  const now = placeOf(outputs[marked]) ?? Math.max(0, ...outputs.map((output) => placeOf(output) ?? 0)) + 1 - step;
  put(outputs[marked], Math.max(1, Math.min(outputs.length, now + step)));
  changed();
}

function nextUnplaced() {
  for (let step = 1; step <= outputs.length; step += 1) {
    const index = (marked + step) % outputs.length;
    if (placeOf(outputs[index]) === null) return index;
  }
  return marked;
}

function makeRail() {
  return openRail(form, {
    outputs,
    placeOf,
    putMarked,
    mark,
    setAll(places) {
      for (const [output, place] of places) put(output, place);
      changed();
    },
  });
}

// --- ratings

/** A digit answers the scales of a stop one after another; the last stays the one to correct. */
function score(value) {
  const scales = [...stop.querySelectorAll("fieldset.scale")];
  const scale = scales.find((one) => !one.querySelector(":checked")) ?? scales.at(-1);
  const step = scale?.querySelector(`input[value="${value}"]`);
  if (!step) return;
  step.checked = true;
  changed();
}

function toggle(letter) {
  const flag = stop.querySelector(`input[data-letter="${letter}"]`);
  flag.checked = !flag.checked;
  changed();
}

function goOnRating() {
  const next = stops[stops.indexOf(stop) + 1];
  if (next) return showStop(next);
  const missing = stops.find((one) => missingAt(one).length);
  if (missing) return showStop(missing);
  marked = 0;
  return setMode("rank");
}

function showStop(one) {
  stop = one;
  if (outputs.includes(one)) marked = outputs.indexOf(one);
  draw();
  one.scrollIntoView({ block: "nearest", behavior: "instant" });
}

// --- drawing

function setMode(to) {
  mode = to;
  form.elements.mode.value = to;
  // What is hidden now must not go on getting the keys.
  if (to === "rank") document.activeElement?.closest(".rating input, .rating textarea")?.blur();
  if (to === "rank") mark(marked);
  else showStop(stop ?? stops[0]);
}

function mark(index) {
  marked = Math.max(0, Math.min(index, outputs.length - 1));
  if (stops.includes(outputs[marked])) stop = outputs[marked];
  draw();
  outputs[marked].scrollIntoView({ block: "nearest", behavior: "instant" });
}

function draw() {
  form.dataset.mode = mode;
  const current = mode === "rate" ? stop : outputs[marked];
  for (const one of new Set([...stops, ...outputs])) {
    const isCurrent = one === current && !(isPair && mode === "rank");
    one.classList.toggle("marked", isCurrent);
    one.toggleAttribute("aria-current", isCurrent);
  }
  for (const button of form.querySelectorAll(".modes button")) {
    button.setAttribute("aria-pressed", String(button.dataset.to === mode));
  }
  if (!isPair) {
    for (const output of outputs) output.classList.toggle("placed", placeOf(output) !== null);
    document.getElementById("submit").classList.toggle("ready", isReady());
  }
  if (isRated) drawRatings();
  rail.draw();
}

function drawRatings() {
  for (const output of outputs) output.querySelector(".rated").textContent = ratingOf(output);
  const items = stops.map((one) => {
    const item = document.createElement("li");
    const name = document.createElement("button");
    name.type = "button";
    name.className = "link";
    name.textContent = one.dataset.output ?? aboutPrompt.querySelector("h2").textContent;
    name.addEventListener("click", () => showStop(one));
    item.classList.toggle("marked", one === stop);
    item.classList.toggle("missing", missingAt(one).length > 0);
    item.append(name, ` ${ratingOf(one)}`);
    return item;
  });
  redraw(form.querySelector(".rail-ratings"), items);
}

// --- what was entered: history, draft, submission

const read = () => controls.map((control) => (control.type === "number" ? control.value : control.checked));

function changed() {
  const now = read();
  if (now.some((value, index) => value !== current[index])) {
    past.push(current);
    current = now;
    future = [];
  }
  entered();
}

function entered() {
  isTouched = true;
  if (notice) notice.hidden = true;
  draw();
  work.changed();
}

function travel(from, to) {
  if (!from.length) return;
  to.push(current);
  current = from.pop();
  controls.forEach((control, index) => {
    if (control.type === "number") control.value = current[index];
    else control.checked = current[index];
  });
  entered();
}

function readDraft() {
  const answers = {};
  const places = {};
  for (const [name, value] of new FormData(form)) {
    if (name.startsWith("answer-") && value) answers[name] = value;
    if (name.startsWith("place-") && value) places[name.slice(6)] = Number(value);
  }
  const draft = { places };
  if (isRated) Object.assign(draft, { answers, mode, rubric_version: form.elements.rubric_version.value });
  if (form.elements.comment.value) draft.comment = form.elements.comment.value;
  if (isPair && form.elements.strength.value) draft.strength = form.elements.strength.value;
  return draft;
}

const isComplete = () => outputs.every((output) => placeOf(output) !== null);
const isReady = () => isComplete() && stops.every((one) => !missingAt(one).length);

/** Why this may not be sent yet, put right on the page; false when it may. */
function stands(submitter) {
  const isRanking = submitter?.id === "submit" || submitter?.name === "choice";
  if (!isRanking) return false;
  const unanswered = stops.find((one) => missingAt(one).length);
  if (isPair ? unanswered : unanswered && isComplete()) {
    stop = unanswered;
    setMode("rate");
    const question = missingAt(unanswered)[0];
    (question.matches("textarea") ? question : question.querySelector("input")).focus({ preventScroll: true });
    return true;
  }
  if (isPair) return false;
  if (!isComplete()) {
    setMode("rank");
    if (outputs.every((output) => placeOf(output) === null)) show(notice.dataset.untouched);
    else mark(nextUnplaced());
    return true;
  }
  if ("asBefore" in form.dataset && !isTouched && !isAsked) {
    isAsked = true;
    show(notice.dataset.asBefore);
    return true;
  }
  return false;
}

function show(text) {
  notice.textContent = text;
  notice.hidden = false;
}

// --- keys

const press = (selector) => form.querySelector(selector).click();
const openReasons = () => (form.querySelector(".set-aside").open = true);

/** The marked output beside the other one that is chosen in the rail; by its button, the two chosen there. */
async function compare() {
  const isByButton = isPair || document.activeElement?.closest(".compare");
  await (await import("./reading.js")).compare(isByButton ? null : marked + 1, outputs.length);
  openDialog("comparison");
}

const COMMON = {
  "?": () => openDialog("help"),
  g: () => openDialog("guidelines"),
  q: () => press("#question-open"),
  s: () => press("#skip"),
  r: () => press("#raw"),
  u: () => travel(past, future),
  U: () => travel(future, past),
  m: () => isRated && setMode(mode === "rate" ? "rank" : "rate"),
};
const RATE = {
  Enter: goOnRating,
  ArrowDown: () => showStop(stops[Math.min(stops.indexOf(stop) + 1, stops.length - 1)]),
  ArrowUp: () => showStop(stops[Math.max(stops.indexOf(stop) - 1, 0)]),
};
const BOTH = {
  c: () => {
    openReasons();
    form.elements.comment.focus();
  },
  d: () => compare(),
  p: () => {
    openReasons();
    document.getElementById("prompt-problem").focus();
  },
};
const RANK = {
  ...BOTH,
  Enter: () => form.requestSubmit(document.getElementById("submit")),
  "=": tieWithLast,
  ArrowDown: () => mark(marked + 1),
  ArrowUp: () => mark(marked - 1),
  ArrowRight: () => mark(marked + 1),
  ArrowLeft: () => mark(marked - 1),
  "Shift+ArrowDown": () => moveMarked(1),
  "Shift+ArrowUp": () => moveMarked(-1),
  Backspace: () => {
    put(outputs[marked], null);
    changed();
  },
  n: () => {
    openReasons();
    document.getElementById("none-usable").focus();
  },
};
const PAIR = {
  ...BOTH,
  ArrowLeft: () => press("[value=left]"),
  ArrowRight: () => press("[value=right]"),
  "=": () => press("[value=tie]"),
  b: () => press("#both-bad"),
};

/** What a key does here, or nothing. */
function actionOf(key, event) {
  const named = event.shiftKey && key.startsWith("Arrow") ? `Shift+${key}` : key;
  const small = key === "U" ? "U" : key.length === 1 ? key.toLowerCase() : named;
  if (mode === "rate") {
    if (/^[0-9]$/.test(key)) return () => score(key);
    if (/^[a-z]$/.test(small) && stop?.querySelector(`input[data-letter="${small}"]`)) return () => toggle(small);
    return RATE[small] ?? COMMON[small];
  }
  if (isPair) {
    if (/^[1-3]$/.test(key)) return () => press(`[name=strength][value="${key}"]`);
    return PAIR[small] ?? COMMON[small];
  }
  if (/^[1-9]$/.test(key) && Number(key) <= outputs.length) return () => putMarked(Number(key));
  return RANK[small] ?? COMMON[small];
}

function onKey(event) {
  const isTyping = event.target.matches?.("textarea, select, input[type=text]");
  if (event.key === "Escape" && isTyping && !event.isComposing) event.target.blur();
  if (isTyping || event.isComposing || document.querySelector("dialog[open]")) return;
  // Full-width digits and signs are what some input methods write when they are not composing.
  const key = event.key.length === 1 ? event.key.normalize("NFKC") : event.key;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && /^[zy]$/i.test(key)) {
    if (key === "z" && !event.shiftKey) travel(past, future);
    else travel(future, past);
    event.preventDefault();
    return;
  }
  if (isForeign(event)) return;
  if (event.target.matches?.("[type=radio]") && key.startsWith("Arrow")) return;
  if (event.target.closest?.("a, button, summary") && (key === "Enter" || key === " ")) return;
  const inInput = event.target.matches?.("input[type=number]");
  if (inInput) marked = outputs.indexOf(event.target.closest(".output"));
  const action = actionOf(key, event);
  if (!action) return;
  event.preventDefault();
  action();
  if (inInput && document.activeElement === event.target && mode === "rank") inputOf(outputs[marked]).focus();
}

// --- beginning

function listen(signal) {
  outputs.forEach((output, index) => {
    const markThis = () => {
      marked = index;
      if (stops.includes(output)) stop = output;
      draw();
    };
    output.addEventListener("pointerdown", markThis);
    if (!isPair) inputOf(output).addEventListener("focus", markThis);
  });
  form.addEventListener("input", changed);
  form.addEventListener("click", async (event) => {
    const to = event.target.closest(".modes button")?.dataset.to;
    if (to) setMode(to);
    if (event.target.closest("#next-output")) goOnRating();
    if (event.target.closest("#help-open")) openDialog("help");
    if (event.target.closest("#raw")) {
      event.preventDefault();
      (await import("./reading.js")).toggleRaw(outputs);
    }
  });
  document.getElementById("compare").addEventListener("submit", (event) => {
    event.preventDefault();
    compare();
  });
  document.addEventListener("keydown", onKey, { signal });
}

function open(theForm, signal) {
  form = theForm;
  outputs = [...form.querySelectorAll(".output")];
  aboutPrompt = document.getElementById("about-prompt");
  isPair = form.classList.contains("pair");
  isRated = "rated" in form.dataset;
  controls = [...form.querySelectorAll("input[type=number], input[type=radio], input[type=checkbox]")];
  notice = document.getElementById("rail-notice");
  said = document.getElementById("rail-said");
  // What is rated, in its order: the prompt first, then each output that is asked about.
  stops = [aboutPrompt, ...outputs.filter((output) => output.querySelector(".rating"))].filter(Boolean);
  [mode, marked, stop] = [isRated ? form.elements.mode.value || "rate" : "rank", 0, stops[0] ?? null];
  [lastPlaced, isTouched, isAsked] = [null, false, false];
  [current, past, future] = [read(), [], []];
  rail = isPair ? { draw() {} } : makeRail();
  // Before openWork listens: what may not be sent yet must not look sent to it.
  form.addEventListener("submit", (event) => {
    if (!stands(event.submitter)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  work = openWork(form, readDraft);
  listen(signal);
  keepConversation(form, signal);
  setMode(mode);
  if (!form.querySelector("[role=alert]:not([hidden])")) scrollTo(0, 0);
}

openTasks(open);
