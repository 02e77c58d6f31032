// Goes on with a change of many as long as its page is open, and ticks all rows of a list at once.

document.getElementById("go-on")?.requestSubmit();

const all = document.getElementById("tick-all");
if (all) {
  const boxes = [...all.closest("table").querySelectorAll("tbody input[name=row]")];
  all.closest("label").hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
  });
  // Whoever ticks something means what is ticked.
  all.form.addEventListener("change", ({ target }) => {
    if (target === all || target.name === "row") all.form.elements.scope.value = "ticked";
    all.checked = boxes.every((box) => box.checked);
  });
}
