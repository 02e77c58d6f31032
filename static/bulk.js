// Ticks all rows of a list at once.

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
