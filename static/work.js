// What the ranking and the writing page share: drafts that are never lost, the lease, active time, sending once,
// and the next task, prepared while this one is being done.

const SAVE_AFTER_MS = 800; // after the last change
const SAVE_AT_LEAST_EVERY_MS = 3_000; // while somebody goes on typing
const TRY_AGAIN_AFTER_MS = 3_000;
const IDLE_AFTER_MS = 60_000;
const KEEP_EVERY_MS = 2 * 60_000; // the lease, and the reservation of the next task
const PREPARE_AFTER_MS = 400;
const RETRY_AFTER_MS = 400;
const KEEPALIVE_BYTES = 60_000; // browsers send no more than 64 kB from a page that is left

const signs = ["keydown", "pointerdown", "pointermove", "wheel", "scroll", "touchmove", "input"];
const tabs = new BroadcastChannel("preceptor-work");

let open = null; // how this page opens a task, once it said so
let task = null; // what openWork returned for the one that is shown
let prepared = null; // {address, page}: the next one
let lastUse = Date.now();
let shownPath = location.pathname;

const isUsed = () => document.visibilityState === "visible" && Date.now() - lastUse < IDLE_AFTER_MS;

/** Called once by a page's module: open(form, signal) wires up a task; again for each next one, without a reload. */
export function openTasks(opener) {
  open = opener;
  openShown();
}

function openShown() {
  const over = new AbortController();
  open(document.getElementById("work"), over.signal);
  task.over = over;
  if (document.querySelector(".cover")) import("./covers.js").then((covers) => covers.keep(over.signal));
  setTimeout(prepareNext, PREPARE_AFTER_MS);
}

/** Wire up the form of an assignment. readDraft() returns what to keep, in plain JSON; returns {changed}. */
export function openWork(form, readDraft) {
  task = new Work(form, readDraft);
  return task;
}

/** True when a key belongs to an input method or to a shortcut of the browser. */
export function isForeign(event) {
  return event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey;
}

export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog && !document.querySelector("dialog[open]")) dialog.showModal();
}

// --- one task: what is entered, what is saved, how long it takes

class Work {
  constructor(form, readDraft) {
    this.form = form;
    this.readDraft = readDraft;
    this.state = document.getElementById("work-state");
    this.words = this.state.dataset;
    this.saved = document.getElementById("saved");
    this.version = Number(this.words.version);
    this.copyKey = `preceptor-draft-${this.words.key}`;
    this.active = 0;
    this.isDirty = false; // something is entered that the server does not have
    this.isSaving = false;
    this.saving = null; // until it is done
    this.isLeaving = false;
    this.isGone = false;
    this.differs = false; // two versions, and nobody has chosen yet
    this.timer = null;
    this.changed = this.changed.bind(this);
    queueMicrotask(() => this.takeUpCopy());
    this.tell("hello");
  }

  changed() {
    if (!this.isDirty) this.firstChange = Date.now();
    this.isDirty = true;
    this.saved.textContent = "";
    this.keepCopy();
    this.saveIn(Math.max(0, Math.min(SAVE_AFTER_MS, this.firstChange + SAVE_AT_LEAST_EVERY_MS - Date.now())));
  }

  saveIn(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), milliseconds);
  }

  async save() {
    if (!this.isDirty || this.isSaving || this.differs || this.isLeaving || this.isGone) return;
    clearTimeout(this.timer);
    this.saving = this.saveNow();
    await this.saving;
  }

  async saveNow() {
    this.isSaving = true;
    this.isDirty = false;
    const mine = this.readDraft();
    const answer = await this.send({ draft: mine });
    this.isSaving = false;
    if (this.isGone) return;
    if (answer.ok) this.isSaved(answer.body);
    else {
      this.isDirty = true;
      if (answer.status === 409) await this.compare(mine, answer.body);
      else this.saveLater(answer);
    }
    if (this.isDirty && answer.ok) this.saveIn(SAVE_AFTER_MS);
  }

  isSaved(body) {
    this.follow(body);
    if (!this.isDirty) {
      this.dropCopy();
      this.saved.textContent = `${this.words.saved} ✓`;
    }
    this.tell("saved");
  }

  saveLater({ status, body }) {
    if (status === 0) this.saved.textContent = this.words.waits;
    else this.saved.textContent = status === 401 ? this.words.signedOut : (body.message ?? this.words.failed);
    if (status !== 400 && status !== 404) this.saveIn(TRY_AGAIN_AFTER_MS);
  }

  /** {ok, status, body}; status 0 without a connection, 401 when signed out. */
  async send(message) {
    const seconds = this.active;
    this.active = 0;
    const body = JSON.stringify({ ...message, version: this.version, active: seconds });
    try {
      const answer = await fetch(this.words.draft, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.form.csrfmiddlewaretoken.value },
        body,
        keepalive: body.length * 3 < KEEPALIVE_BYTES,
      });
      const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
      if (!isJson) {
        this.active += seconds;
        return { ok: false, status: answer.redirected ? 401 : answer.status, body: {} };
      }
      return { ok: answer.ok, status: answer.status, body: await answer.json() };
    } catch {
      this.active += seconds;
      return { ok: false, status: 0, body: {} };
    }
  }

  /** As the page is left or hidden: what is entered, and the time it took. */
  flush() {
    if (this.isDirty) this.save();
    else if (this.active && !this.isLeaving && !this.isGone) this.send({});
  }

  /** Say that the page is in use; learn whether somebody has saved something newer. */
  async keep() {
    if (this.isSaving || this.isLeaving || this.isGone) return;
    if (this.isDirty && !this.differs) return this.save();
    const answer = await this.send({});
    if (!answer.ok || this.isGone || this.isSaving) return;
    if (answer.body.version > this.version) this.isBehind();
    else this.follow(answer.body);
  }

  follow(body) {
    this.version = body.version;
    this.words.status = body.status;
    this.note("late", body.status === "expired" && !body.holds_seat ? this.words.late : "");
  }

  isBehind() {
    if (this.isDirty) this.save();
    else this.note("newer", this.words.newer, this.words.show, () => location.reload());
  }

  /** Two versions, and nobody has chosen yet: versions.js offers both. */
  async compare(mine, answer) {
    (await import("./versions.js")).compare(this, mine, answer);
  }

  // The copy on this device, for as long as the server does not have it

  keepCopy() {
    try {
      localStorage.setItem(this.copyKey, JSON.stringify({ draft: this.readDraft(), version: this.version }));
    } catch {
      // Full, or forbidden: the server is the first place anyway.
    }
  }

  dropCopy() {
    localStorage.removeItem(this.copyKey);
  }

  async takeUpCopy() {
    const kept = localStorage.getItem(this.copyKey);
    if (kept) (await import("./versions.js")).takeUp(this, JSON.parse(kept));
  }

  // Other windows of the same person

  tell(what) {
    tabs.postMessage({ what, key: this.words.key, version: this.version });
  }

  /** Of this task, and from another window: a channel brings nobody their own messages. */
  async hear(said) {
    if (said.key === this.words.key) (await import("./windows.js")).hear(this, said);
  }

  /** A sentence above the work, one of each name; an empty text takes it away. */
  note(name, text, button = "", action = null) {
    const old = this.state.querySelector(`[data-note=${name}]`);
    if (!text || old) {
      if (!text) old?.remove();
      return;
    }
    const line = Object.assign(document.createElement("p"), { className: "notice warning", textContent: text });
    line.dataset.note = name;
    if (button) {
      const press = { type: "button", className: "button small", textContent: button, onclick: action };
      line.append(" ", Object.assign(document.createElement("button"), press));
    }
    this.state.append(line);
  }

  end() {
    this.isGone = true;
    clearTimeout(this.timer);
    this.over?.abort();
    this.tell("closed");
  }
}

export function isEmpty(value) {
  if (value === null || value === undefined) return true;
  return typeof value === "object" ? Object.values(value).every(isEmpty) : String(value).trim() === "";
}

// --- sending, and the next task

async function prepareNext() {
  if (!task || !open || !isUsed()) return;
  const asking = task;
  try {
    const headers = { "X-CSRFToken": asking.form.csrfmiddlewaretoken.value };
    const answer = await fetch(asking.words.reserve, { method: "POST", headers });
    const address = answer.status === 200 ? (await answer.json()).next : null;
    if (address === prepared?.address) return;
    prepared = null;
    if (address === null || asking.isGone) return;
    const page = await fetch(address);
    if (page.ok) prepared = { address, page: parse(await page.text()) };
  } catch {
    // Then the next task comes when it is asked for.
  }
}

const parse = (text) => new DOMParser().parseFromString(text, "text/html");

function onSubmit(event) {
  if (event.defaultPrevented || event.target !== task?.form) return;
  const { submitter } = event;
  const work = task;
  if (work.isLeaving) {
    event.preventDefault();
    return;
  }
  const isSkip = submitter?.id === "skip";
  if (isSkip && hasWork(work.readDraft())) {
    event.preventDefault();
    askToSkip(submitter);
    return;
  }
  if (!open) {
    work.isLeaving = true;
    work.form.active_seconds.value = String(work.active);
    return;
  }
  event.preventDefault();
  submit(work, submitter, isSkip ? { sure: "yes" } : {});
}

const hasWork = ({ mode, rubric_version, pasted_characters, ...entered }) => !isEmpty(entered);

function askToSkip(submitter) {
  const work = task;
  const dialog = document.getElementById("skip-question");
  dialog.onclick = ({ target }) => {
    const button = target.closest("button");
    if (button) dialog.close();
    if (button?.value === "skip") submit(work, submitter, { sure: "yes" });
  };
  dialog.showModal();
}

async function post(address, entered, next) {
  try {
    const headers = { "X-Prefetched": next?.address ?? "" };
    const answer = await fetch(address, { method: "POST", headers, body: new URLSearchParams(entered) });
    return { status: answer.status, redirected: answer.redirected, url: answer.url, text: await answer.text() };
  } catch {
    return null;
  }
}

const later = (milliseconds, act) => new Promise((done) => setTimeout(() => done(act()), milliseconds));

async function submit(work, submitter, more) {
  work.isLeaving = true;
  clearTimeout(work.timer);
  // Else the server would take our own draft, on its way still, for something newer.
  await work.saving;
  work.form.active_seconds.value = String(work.active);
  work.form.draft_version.value = String(work.version);
  const entered = new FormData(work.form, submitter);
  for (const [name, value] of Object.entries(more)) entered.set(name, value);
  const address = submitter?.getAttribute("formaction") ?? work.form.getAttribute("action");
  // Twice: a connection that has just come back breaks the first attempt, and the key makes two the same as one.
  const next = prepared;
  const send = () => post(address, entered, next);
  const answer = (await send()) ?? (await later(RETRY_AFTER_MS, send));
  if (!answer) return stay(work, work.words.unsent);
  const { text } = answer;
  if (answer.status >= 500 || answer.status === 403) return stay(work, work.words.failed);
  if (answer.redirected && new URL(answer.url).pathname.startsWith("/accounts/")) return stay(work, work.words.signedOut);
  if (answer.status < 400) work.dropCopy();
  if (answer.status === 204) return show(next.page, next.address);
  // Shown as it came: a page asked for once more would not have its messages any more.
  show(parse(text), answer.redirected ? answer.url : location.href);
}

/** It did not go out: everything stays as it is, and goes on being saved. */
function stay(work, text) {
  work.isLeaving = false;
  work.note("unsent", "");
  work.note("unsent", text);
  work.state.scrollIntoView({ block: "nearest", behavior: "instant" });
  if (work.isDirty) work.saveIn(TRY_AGAIN_AFTER_MS);
}

function show(page, address) {
  if (!open) return location.assign(address);
  task.end();
  prepared = null;
  document.title = page.title;
  document.body.replaceWith(page.body);
  if (new URL(address, location.href).href !== location.href) history.pushState(null, "", address);
  shownPath = location.pathname;
  scrollTo(0, 0);
  const main = document.getElementById("main");
  main.tabIndex = -1;
  main.setAttribute("aria-label", document.title);
  (main.querySelector("[autofocus]") ?? main).focus({ preventScroll: true });
  if (document.getElementById("work")) openShown();
  else task = null;
}

// --- the page

document.addEventListener("submit", onSubmit);
document.addEventListener("click", async (event) => {
  // A click that wants a new tab gets it: the link leads to the same question.
  if (isForeign(event) || event.shiftKey || !event.target.closest("#question-open")) return;
  event.preventDefault();
  (await import("./asking.js")).openQuestion();
});
tabs.addEventListener("message", ({ data }) => task?.hear(data));
for (const sign of signs) addEventListener(sign, () => (lastUse = Date.now()), { passive: true, capture: true });
setInterval(() => {
  if (task && isUsed()) task.active += 1;
}, 1000);
setInterval(() => {
  if (task && isUsed()) task.keep().then(prepareNext);
}, KEEP_EVERY_MS);
addEventListener("online", () => task?.save());
addEventListener("pagehide", () => {
  task?.flush();
  task?.tell("closed");
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") task?.flush();
  else task?.keep();
});
addEventListener("popstate", () => {
  if (location.pathname !== shownPath) location.reload();
});
// The page may come back from the browser's cache with its form still locked.
addEventListener("pageshow", (event) => {
  if (!event.persisted || !task) return;
  task.isLeaving = false;
  task.tell("hello");
  task.keep();
});
