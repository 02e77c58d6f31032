// What axe finds on the page, as lines of text. Folded parts are opened first: they are pages too.
async (tags) => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  const runOnly = { type: "tag", values: tags };
  const found = await axe.run(document, { runOnly, resultTypes: ["violations"], preload: false });
  // What a bar that sticks to the window covers scrolls free of it.
  const isCovered = ({ failureSummary }) => failureSummary.includes("partially obscured");
  const said = ({ target, html, failureSummary }) =>
    `${target.join(" ")}\n  ${html.slice(0, 200)}\n  ${failureSummary.replaceAll("\n", " ").slice(0, 400)}`;
  return found.violations.flatMap(({ id, nodes }) => nodes.filter((node) => !isCovered(node)).map((node) => `${id}: ${said(node)}`));
};
