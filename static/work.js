// What the ranking and the writing page share: drafts, the lease, active time, sending once.

const IDLE_AFTER_MS = 60_000;
const SAVE_AFTER_MS = 1_000;
const RENEW_EVERY_MS = 5 * 60_000;

/** Wire up the form of an assignment. readDraft() returns what to keep; returns {changed}. */
export function openWork(form, readDraft) {
  const saved = document.getElementById("saved");
  const open = form.dataset.open === "yes";
  let version = Number(form.dataset.draftVersion);
  let timer = null;
  let saving = false;
  let pending = false;
  let leaving = false;

  async function save() {
    if (!open || leaving) return;
    if (saving) {
      pending = true;
      return;
    }
    saving = true;
    try {
      const answer = await fetch(form.dataset.draftUrl, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": form.csrfmiddlewaretoken.value },
        body: JSON.stringify({ draft: readDraft(), version }),
        keepalive: true,
      });
      const body = await answer.json();
      if (answer.ok) {
        version = body.version;
        saved.textContent = "✓";
      } else {
        saved.textContent = body.message;
      }
    } catch {
      saved.textContent = "…";
      timer = setTimeout(save, 5 * SAVE_AFTER_MS);
    } finally {
      saving = false;
      if (pending) {
        pending = false;
        save();
      }
    }
  }

  function changed() {
    saved.textContent = "";
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = null;
      save();
    }, SAVE_AFTER_MS);
  }

  let lastUse = Date.now();
  let active = 0;
  for (const event of ["keydown", "pointerdown", "pointermove", "wheel", "scroll"]) {
    addEventListener(event, () => (lastUse = Date.now()), { passive: true });
  }
  setInterval(() => {
    if (document.visibilityState === "visible" && Date.now() - lastUse < IDLE_AFTER_MS) active += 1;
  }, 1000);
  setInterval(() => {
    if (document.visibilityState === "visible" && Date.now() - lastUse < RENEW_EVERY_MS) save();
  }, RENEW_EVERY_MS);
  addEventListener("pagehide", () => {
    if (timer !== null) save();
  });

  form.addEventListener("submit", (event) => {
    if (leaving) {
      event.preventDefault();
      return;
    }
    leaving = true;
    clearTimeout(timer);
    form.active_seconds.value = String(active);
  });
  // The page may come back from the browser's cache with its form still locked.
  addEventListener("pageshow", () => (leaving = false));

  return { changed };
}

/** True when a key belongs to an input method or to a shortcut of the browser. */
export function isForeign(event) {
  return event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey;
}

export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog && !document.querySelector("dialog[open]")) dialog.showModal();
}
