"""Markdown to safe HTML, for what people and models write. The only module that marks a text as safe."""

import nh3
from django.utils.html import linebreaks
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from labeling.highlighting import highlighted


def _highlight(code: str, language: str, _attributes: str) -> str:
    return highlighted(code, language)


# Raw HTML stays visible as text; reference definitions would vanish from the page, so they are text too.
PARSER = (
    MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False, "highlight": _highlight})
    .enable(["table", "strikethrough"])
    .disable(["reference", "image"])
)

TAGS = {
    "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote",
    "ul", "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td", "span",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
COLORS = {"code-comment", "code-string", "code-number", "code-keyword"}


# Nobody writes so much markup by hand, and parsing it would keep the page waiting.
MOST_CHARACTERS = 50_000


def render(text: str) -> SafeString:
    """The text as HTML of an allow-list of tags; links only to http, https and mailto.

    A text beyond MOST_CHARACTERS is shown as it was written.
    """
    if len(text) > MOST_CHARACTERS:
        return mark_safe(linebreaks(text, autoescape=True))  # noqa: S308 - escaped
    html = nh3.clean(
        PARSER.render(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        tag_attribute_values={"span": {"class": COLORS}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(html)  # noqa: S308 - nh3 has left only the allow-list
