// What is wrong with the page as it stands, in words.
() => {
  const problems = [];
  const alien = 'iframe, object, embed, base, meta[http-equiv], body script, body link, body style, img:not([src^="/"])';
  for (const e of document.querySelectorAll(alien)) problems.push('live markup: ' + e.outerHTML.slice(0, 120));
  for (const e of document.querySelectorAll('*'))
    for (const a of e.attributes) if (/^on/i.test(a.name)) problems.push(`handler ${a.name} on ${e.tagName}`);
  for (const e of document.querySelectorAll('a[href]'))
    if (!/^(https?|mailto):$/.test(e.protocol)) problems.push('link to ' + e.href.slice(0, 80));
  for (const e of document.forms)
    if (new URL(e.action).origin !== location.origin) problems.push('form to ' + e.action);
  const over = document.documentElement.scrollWidth - innerWidth;
  if (over > 0) {
    const scrolls = (e) => getComputedStyle(e).overflowX !== 'visible';
    const inScroller = (e) => e && e !== document.body && (scrolls(e) || inScroller(e.parentElement));
    const wide = [...document.querySelectorAll('body *')].filter(
      (e) =>
        !inScroller(e.parentElement) &&
        (e.getBoundingClientRect().right > innerWidth + 1 || (!scrolls(e) && e.scrollWidth > e.clientWidth + 1)),
    );
    const places = wide.map((e) => `${e.tagName}.${e.className}`).join(' ');
    problems.push(`${over} px wider than the window (${innerWidth}): ${places} ${wide.at(-1)?.outerHTML.slice(0, 200)}`);
  }
  // Words of our own that an override of a neighbour turned round.
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const theirs = '.text, .prose, bdi, [dir=auto], pre, textarea, select, svg';
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const word = /[A-Za-z]{3,}/.exec(node.data);
    if (!word || /[\u202a-\u202e\u2066-\u2069\u0590-\u08ff]/.test(node.data) || node.parentElement.closest(theirs)) continue;
    const place = (at) => {
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      return range.getBoundingClientRect();
    };
    const first = place(word.index), last = place(word.index + word[0].length - 1);
    if (first.width && first.top === last.top && first.left > last.left)
      problems.push(`turned round: ${node.data.trim().slice(0, 60)} in ${node.parentElement.outerHTML.slice(0, 160)}`);
  }
  return problems;
}
