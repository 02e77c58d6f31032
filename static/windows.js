// The same task open in several windows of one person: each says so, and learns what the others saved.
// Loaded when another one speaks.

const ASK_EVERY_MS = 3_000;
const ROUNDS = 2; // so often nobody answers until the others count as gone: one that crashed never says "closed"

let asking = null;
let unanswered = 0;

/** what: "hello" wants an answer, "here" is one; "saved", "closed". */
export function hear(work, { what, version }) {
  if (work.isGone) return;
  unanswered = 0;
  work.note("elsewhere", what === "closed" ? "" : work.words.elsewhere);
  if (what === "hello") work.tell("here");
  if (what === "closed") work.tell("hello"); // a third one answers
  if (what === "saved" && version > work.version) work.isBehind();
  clearInterval(asking);
  if (what !== "closed") asking = setInterval(() => ask(work), ASK_EVERY_MS);
}

function ask(work) {
  unanswered += 1;
  if (!work.isGone && unanswered <= ROUNDS) return work.tell("hello");
  clearInterval(asking);
  if (!work.isGone) work.note("elsewhere", "");
}
