"""Code in colors: comments, strings, numbers and keywords of common languages, for the Markdown of texts.

A lexer's full grammar is not needed to read a few lines, and one that hostile code can keep busy would keep
the page waiting: every pattern here is possessive, so that a text is passed once.
"""

import re
from html import escape

KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
        abstract and as assert async await begin bool boolean break case catch char class const continue def
        default defer del delete do double elif else elsif end enum except export extends false final finally
        float fn for foreach from fun func function go goto if impl implements import in include instanceof
        int interface is lambda let local long loop match mod module mut namespace new nil none not null or
        package pass private protected pub public raise require return self short static string struct super
        switch then this throw throws trait true try type typedef typeof undefined union unless unsafe
        unsigned until use using val var void when where while with yield
        select insert update delete create table join on group by order having limit values into set
        """,
    )
)
# What begins a comment, and the names of the languages in which it does.
HASH = r"\#[^\n]*+"
SLASHES = r"//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)"
DASHES = r"--[^\n]*+"
LANGUAGES = {
    HASH: "python py ruby rb bash sh shell zsh yaml yml toml r perl elixir make dockerfile",
    SLASHES: "javascript js typescript ts jsx tsx java c cpp c++ csharp cs go rust rs kotlin swift scala dart"
    " css scss json",
    rf"{HASH}|{SLASHES}": "php",
    DASHES: "sql lua haskell hs",
}
COMMENTS = {name: comment for comment, names in LANGUAGES.items() for name in re.findall(r"\S+", names)}
TRIPLE = r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\Z)'
STRINGS = r'"(?:[^"\\\n]|\\.)*+"?|\'(?:[^\'\\\n]|\\.)*+\'?|`(?:[^`\\]|\\.)*+`?'
DOUBLE_QUOTED = r'"(?:[^"\\\n]|\\.)*+"?'
WITHOUT_SINGLE_QUOTES = {"rust", "rs", "haskell", "hs", "yaml", "yml"}
NUMBER = r"\b\d[\w.]*+"
WORD = r"[^\W\d]\w*+"
MOST_CHARACTERS = 20_000


def highlighted(code: str, language: str) -> str:
    """The code as HTML: escaped, with spans around what has a color; of an unknown language only escaped."""
    comment = COMMENTS.get(language.strip().lower())
    if comment is None or len(code) > MOST_CHARACTERS:
        return escape(code)
    strings = DOUBLE_QUOTED if language.lower() in WITHOUT_SINGLE_QUOTES else STRINGS
    pattern = rf"(?P<comment>{comment})|(?P<string>{TRIPLE}|{strings})|(?P<number>{NUMBER})|(?P<word>{WORD})"
    pieces, end = [], 0
    for match in re.finditer(pattern, code, re.DOTALL):
        pieces.append(escape(code[end : match.start()]))
        pieces.append(_colored(match.lastgroup or "", match[0]))
        end = match.end()
    return "".join([*pieces, escape(code[end:])])


def _colored(kind: str, text: str) -> str:
    if kind == "word":
        if text.lower() not in KEYWORDS:
            return escape(text)
        kind = "keyword"
    return f'<span class="code-{kind}">{escape(text)}</span>'
