// How many characters of a text came in by pasting or dropping: evidence, and never a block.

/** Keeps the number in the hidden input `count`; empty stays empty, for a text that was begun unwatched. */
export function countPasted(box, count) {
  let own = ""; // what was last taken from this very box: to put it elsewhere is no pasting
  let isOwnDrag = false;

  if (!box.value && !count.value) count.value = "0";

  function add(came) {
    if (!came || !count.value || came === own) return;
    count.value = String(Number(count.value) + [...came].length);
  }

  for (const taken of ["cut", "copy"])
    box.addEventListener(taken, () => (own = box.value.slice(box.selectionStart, box.selectionEnd)));
  box.addEventListener("paste", (event) => add(event.clipboardData?.getData("text/plain")));
  box.addEventListener("dragstart", () => (isOwnDrag = true));
  box.addEventListener("dragend", () => (isOwnDrag = false));
  box.addEventListener("drop", (event) => {
    if (!isOwnDrag) add(event.dataTransfer?.getData("text/plain"));
  });
}
