// Two versions of a person's work, here and elsewhere: neither is lost, the person chooses. Loaded when it happens.

import { isEmpty } from "./work.js";

/** mine was made from an older version than the one that the server keeps. isCopy: mine is not on the page. */
export function compare(work, mine, { draft: theirs, version }, isCopy) {
  if (same(mine, theirs)) {
    work.version = version;
    work.isDirty = false;
    work.dropCopy();
    // The copy had come through after all, only after this page was asked for.
    if (isCopy) reload(work);
    return;
  }
  const offered = { mine, theirs, version, isCopy };
  work.differs = true;
  work.saved.textContent = "";
  work.note("newer", "");
  work.note("differs", work.words.differs, work.words.compare, () => offer(work, offered));
  offer(work, offered);
}

/** What waited on this device because it could not be saved. */
export function takeUp(work, { draft, version }) {
  const shown = work.readDraft();
  if (same(draft, shown)) work.dropCopy();
  else if (version === work.version) sendCopy(work, draft);
  else compare(work, draft, { draft: shown, version: work.version }, true);
}

function offer(work, offered) {
  const dialog = document.getElementById("two-versions");
  for (const which of ["mine", "theirs"]) {
    dialog.querySelector(`[data-version=${which}]`).textContent = describe(work, offered[which]);
    dialog.querySelector(`[value=${which}]`).onclick = () => {
      dialog.close();
      choose(work, which, offered);
    };
  }
  if (!document.querySelector("dialog[open]")) dialog.showModal();
}

function choose(work, which, { mine, version, isCopy }) {
  work.differs = false;
  work.note("differs", "");
  if (which === "theirs") {
    work.dropCopy();
    reload(work);
    return;
  }
  work.version = version;
  if (isCopy) sendCopy(work, mine);
  else work.changed();
}

/** Save what is not on the page; the page then shows it as it shows every draft. */
async function sendCopy(work, draft) {
  const answer = await work.send({ draft });
  if (answer.ok) {
    work.dropCopy();
    reload(work);
  } else if (answer.status === 409) compare(work, draft, answer.body, true);
  else work.saveLater(answer);
}

function reload(work) {
  work.isGone = true;
  location.reload();
}

function describe(work, draft) {
  const { words, form } = work;
  const ranked = Object.entries(draft.places ?? {})
    .filter(([, place]) => place)
    .sort(([, one], [, other]) => one - other)
    .map(([output, place]) => `${words.place} ${place}: ${String.fromCharCode(64 + Number(output))}`);
  const answers = Object.entries(draft.answers ?? {}).map(([field, value]) => `${questionOf(form, field)}: ${value}`);
  const declared = ["assistance", "assistance_tool"]
    .filter((field) => draft[field])
    .map((field) => `${questionOf(form, field)}: ${draft[field]}`);
  return [draft.text, ...ranked, ...answers, ...declared, draft.comment].filter(Boolean).join("\n") || words.nothing;
}

function questionOf(form, field) {
  const control = form.querySelector(`[name="${CSS.escape(field)}"]`);
  const name = control?.closest("fieldset")?.querySelector("legend") ?? control?.labels?.[0];
  const output = control?.closest(".output")?.dataset.output;
  return [output, name?.textContent.trim().split("\n")[0] ?? field].filter(Boolean).join(" · ");
}

/** Equal as JSON, whatever the order of the names; what is empty is as good as absent, and so is what only the page shows. */
function same(one, other) {
  return canonical(one) === canonical(other);
}

function canonical(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(String(value));
  const said = ([name, part]) => name !== "mode" && name !== "rubric_version" && !isEmpty(part);
  const parts = Object.entries(value).filter(said);
  return `{${parts.map(([name, part]) => `${name}:${canonical(part)}`).sort().join()}}`;
}
