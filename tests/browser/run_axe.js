// What axe finds on the page, as lines of text. Folded parts are opened first: they are pages too.
async (tags) => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  const runOnly = { type: "tag", values: tags };
  const found = await axe.run(document, { runOnly, resultTypes: ["violations"], preload: false });
  const said = ({ target, html, failureSummary }) =>
    `${target.join(" ")}\n  ${html.slice(0, 200)}\n  ${failureSummary.replaceAll("\n", " ").slice(0, 400)}`;
  return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${said(node)}`));
};
