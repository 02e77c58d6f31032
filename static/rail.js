// The rail: which output stands on which place, dragging one there by its handle, and what ratings come to.

const EDGE = 0.3; // of a row: dropped there, an output goes between two rows instead of into one

/** Draws into the rail of the form. page: {outputs, placeOf, put(output, place), setAll(places), mark(index)}. */
export function openRail(form, page) {
  const rail = form.querySelector(".rail-places");
  const tray = form.querySelector(".rail-tray");

  function draw() {
    const focused = document.activeElement?.closest?.(".chip")?.dataset.output;
    redraw(rail, page.outputs.map((_, index) => row(index + 1)));
    tray.replaceChildren(...page.outputs.filter((output) => page.placeOf(output) === null).map(chip));
    if (focused) form.querySelector(`.chip[data-output="${focused}"] button`)?.focus();
  }

  function row(place) {
    const item = document.createElement("li");
    const number = document.createElement("button");
    number.type = "button";
    number.className = "rail-number";
    number.textContent = String(place);
    number.title = `${rail.dataset.placeHere} ${place}`;
    number.setAttribute("aria-label", number.title);
    item.append(number, ...page.outputs.filter((output) => page.placeOf(output) === place).map(chip));
    item.dataset.place = String(place);
    item.addEventListener("click", (event) => {
      if (!event.target.closest(".chip")) page.putMarked(place);
    });
    return item;
  }

  function chip(output) {
    const box = document.createElement("span");
    const name = document.createElement("button");
    const handle = document.createElement("span");
    box.className = "chip";
    box.dataset.output = output.dataset.output;
    box.classList.toggle("marked", output.classList.contains("marked"));
    name.type = "button";
    name.textContent = output.dataset.output;
    name.addEventListener("click", () => page.mark(page.outputs.indexOf(output)));
    handle.className = "handle";
    handle.textContent = "⠿";
    handle.title = rail.dataset.drag;
    handle.setAttribute("aria-hidden", "true");
    handle.addEventListener("pointerdown", (event) => drag(event, output, box));
    box.append(name, handle);
    return box;
  }

  function drag(start, output, box) {
    if (start.button !== 0) return;
    start.preventDefault();
    const handle = start.currentTarget;
    let target = null;
    handle.setPointerCapture(start.pointerId);
    box.classList.add("dragged");
    const move = (event) => {
      box.style.translate = `${event.clientX - start.clientX}px ${event.clientY - start.clientY}px`;
      target = targetAt(event, output);
      show(target);
    };
    const end = (event) => {
      handle.removeEventListener("pointermove", move);
      show(null);
      box.classList.remove("dragged");
      box.style.translate = "";
      if (event.type === "pointerup" && target) drop(output, target);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", end, { once: true });
    handle.addEventListener("pointercancel", end, { once: true });
  }

  /** The row under the pointer, and whether the output goes into it or beside it. */
  function targetAt(event, output) {
    for (const item of rail.children) {
      const box = item.getBoundingClientRect();
      if (event.clientX < box.left || event.clientX > box.right) continue;
      if (event.clientY < box.top || event.clientY > box.bottom) continue;
      const isColumn = rail.children[1].getBoundingClientRect().top > box.height + rail.children[0].getBoundingClientRect().top - 1;
      const part = isColumn ? (event.clientY - box.top) / box.height : (event.clientX - box.left) / box.width;
      const place = Number(item.dataset.place);
      const isTaken = page.outputs.some((other) => other !== output && page.placeOf(other) === place);
      if (!isTaken || (part > EDGE && part < 1 - EDGE)) return { item, place, how: "drop-into" };
      return { item, place, how: part <= EDGE ? "drop-before" : "drop-after" };
    }
    return null;
  }

  function show(target) {
    for (const item of rail.children) item.classList.remove("drop-into", "drop-before", "drop-after");
    target?.item.classList.add(target.how);
  }

  function drop(output, { place, how }) {
    if (how === "drop-into") {
      page.setAll(new Map([[output, place]]));
      return;
    }
    const first = how === "drop-before" ? place : place + 1;
    const places = new Map([[output, first]]);
    for (const other of page.outputs) {
      const its = page.placeOf(other);
      if (other !== output && its !== null) places.set(other, its >= first ? its + 1 : its);
    }
    page.setAll(closedUp(places));
  }

  return { draw };
}

/** New items for a list. Whoever goes by Tab finds the focus again; after a click the next Enter is the page's. */
export function redraw(list, items) {
  const focused = [...list.children].findIndex((item) => item.querySelector(":scope > :focus-visible"));
  list.replaceChildren(...items);
  if (focused >= 0) list.children[focused].querySelector(":scope > button").focus();
}

/** The end of the conversation stays in view: at most a quarter of the window, while the rest scrolls away. */
export function keepConversation(form, signal) {
  const conversation = form.querySelector(".conversation");
  const measure = () => {
    const kept = Math.min(conversation.offsetHeight, innerHeight / 4);
    form.style.setProperty("--kept", `${kept}px`);
    form.style.setProperty("--gone", `${kept - conversation.offsetHeight}px`);
  };
  const watch = new ResizeObserver(measure);
  watch.observe(conversation);
  addEventListener("resize", measure, { signal });
  signal.addEventListener("abort", () => watch.disconnect());
}

/** The same order in the places 1, 2, 3 … with none left out. */
function closedUp(places) {
  const ranks = [...new Set(places.values())].sort((a, b) => a - b);
  return new Map([...places].map(([output, place]) => [output, ranks.indexOf(place) + 1]));
}

// --- what is said of ratings

function isAnswered(question) {
  return question.matches("textarea") ? question.value.trim() !== "" : Boolean(question.querySelector(":checked"));
}

export const missingAt = (one) => [...one.querySelectorAll("[data-required]")].filter((question) => !isAnswered(question));

export function ratingOf(one) {
  const overall = one.querySelector("[data-overall]");
  const value = overall?.querySelector(":checked")?.value ?? "–";
  const flags = one.querySelectorAll(".flag :checked").length;
  const top = overall ? `${value}/${[...overall.querySelectorAll("input")].at(-1).value}` : "";
  return [top, flags ? `⚑ ${flags}` : ""].filter(Boolean).join(" ") || "–";
}
