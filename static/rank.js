// The ranking page: digits place the marked output. The number inputs are the state; this only moves them.

import { isForeign, openDialog, openWork } from "./work.js";

const form = document.getElementById("work");
const outputs = [...document.querySelectorAll(".output")];
const rail = document.querySelector(".rail-places");
const submit = document.getElementById("submit");
let marked = -1;

const inputOf = (output) => output.querySelector("input[type=number]");
const placeOf = (output) => {
  const place = Number(inputOf(output).value);
  return Number.isInteger(place) && place >= 1 && place <= outputs.length ? place : null;
};
const isComplete = () => outputs.every((output) => placeOf(output) !== null);

const work = openWork(form, () => ({
  places: Object.fromEntries(
    outputs
      .filter((output) => inputOf(output).value)
      .map((output) => [inputOf(output).name.replace("place-", ""), Number(inputOf(output).value)]),
  ),
}));

function draw() {
  rail.replaceChildren(
    ...outputs.map((_, index) => {
      const row = document.createElement("li");
      const number = document.createElement("button");
      number.type = "button";
      number.className = "rail-number";
      number.textContent = String(index + 1);
      number.title = `${rail.dataset.placeHere} ${index + 1}`;
      number.setAttribute("aria-label", number.title);
      row.append(number);
      row.addEventListener("click", (event) => {
        if (!event.target.closest(".chip")) placeAndGoOn(String(index + 1));
      });
      const here = outputs.filter((output) => placeOf(output) === index + 1);
      row.append(
        ...here.map((output) => {
          const chip = document.createElement("button");
          chip.type = "button";
          chip.className = "chip";
          chip.textContent = output.dataset.output;
          chip.addEventListener("click", () => mark(outputs.indexOf(output)));
          return chip;
        }),
      );
      return row;
    }),
  );
  for (const output of outputs) output.classList.toggle("placed", placeOf(output) !== null);
  submit.classList.toggle("ready", isComplete());
}

function mark(index) {
  marked = Math.max(0, Math.min(index, outputs.length - 1));
  outputs.forEach((output, i) => {
    output.classList.toggle("marked", i === marked);
    output.toggleAttribute("aria-current", i === marked);
  });
  outputs[marked].scrollIntoView({ block: "nearest", behavior: "instant" });
}

function place(value) {
  inputOf(outputs[marked]).value = value;
  draw();
  work.changed();
}

function placeAndGoOn(value) {
  place(value);
  mark(nextUnplaced());
}

function nextUnplaced() {
  for (let step = 1; step <= outputs.length; step += 1) {
    const index = (marked + step) % outputs.length;
    if (placeOf(outputs[index]) === null) return index;
  }
  return marked;
}

function onKey(event) {
  if (isForeign(event) || document.querySelector("dialog[open]")) return;
  const inInput = event.target.matches("input[type=number]");
  const onControl = event.target.closest("a, button, summary");
  if (/^[1-9]$/.test(event.key) && Number(event.key) <= outputs.length) {
    if (inInput) mark(outputs.indexOf(event.target.closest(".output")));
    placeAndGoOn(event.key);
    if (inInput) inputOf(outputs[marked]).focus();
  } else if (event.key === "Enter" && !onControl) {
    if (isComplete()) form.requestSubmit(submit);
    else mark(nextUnplaced());
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    mark(marked + (event.key === "ArrowDown" ? 1 : -1));
    if (inInput) inputOf(outputs[marked]).focus();
  } else if (event.key === "Backspace") {
    place("");
  } else if (event.key === "?" ) {
    openDialog("help");
  } else if (event.key.toLowerCase() === "g") {
    openDialog("guidelines");
  } else if (event.key.toLowerCase() === "s") {
    document.getElementById("skip").click();
  } else {
    return;
  }
  event.preventDefault();
}

outputs.forEach((output, index) => {
  output.addEventListener("pointerdown", () => mark(index));
  inputOf(output).addEventListener("focus", () => mark(index));
  inputOf(output).addEventListener("input", () => {
    draw();
    work.changed();
  });
});
document.getElementById("help-open").addEventListener("click", () => openDialog("help"));
document.addEventListener("keydown", onKey);
mark(0);
draw();
scrollTo(0, 0);
