// Reading closer: two outputs with their differences marked, and texts as they were written. Loaded when asked for.

/** Output `own` beside the one chosen in the rail; without it, the two that are chosen there. */
export async function compare(own, count) {
  const pair = new URLSearchParams(new FormData(document.getElementById("compare")));
  if (own !== null) {
    if (pair.get("b") === String(own)) pair.set("b", pair.get("a"));
    if (pair.get("b") === String(own)) pair.set("b", String((own % count) + 1));
    pair.set("a", String(own));
  }
  const address = `${document.getElementById("compare").action}?${pair}`;
  const answer = await fetch(address, { headers: { "HX-Request": "true" } });
  document.getElementById("comparison-body").innerHTML = await answer.text();
}

export async function toggleRaw(outputs) {
  const link = document.getElementById("raw");
  const answer = await fetch(link.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const texts = page.querySelectorAll(".output .text");
  outputs.forEach((output, index) => output.querySelector(".text").replaceWith(texts[index]));
  const isFocused = link.matches(":focus-visible");
  link.replaceWith(page.getElementById("raw"));
  if (isFocused) document.getElementById("raw").focus();
}
