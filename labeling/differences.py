"""Where two texts differ, word by word; in Chinese, character by character."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

TOKEN = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]|\w+|\s+|[^\w\s]")
LINE = re.compile(r"[^\n]*\n|[^\n]+")
# Beyond this many words lines are compared, and beyond this many lines nothing is marked: it would take long.
MOST_TOKENS = 3_000


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    differs: bool


def differences(one: str, other: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces, each marked if the other text has it not."""
    for pattern in (TOKEN, LINE):
        parts = pattern.findall(one), pattern.findall(other)
        if max(map(len, parts)) <= MOST_TOKENS:
            return _marked(*parts)
    return [Piece(one, differs=False)], [Piece(other, differs=False)]


def _marked(one: list[str], other: list[str]) -> tuple[list[Piece], list[Piece]]:
    left: list[Piece] = []
    right: list[Piece] = []
    for change, a, b, c, d in SequenceMatcher(None, one, other).get_opcodes():
        if a < b:
            left.append(Piece("".join(one[a:b]), change != "equal"))
        if c < d:
            right.append(Piece("".join(other[c:d]), change != "equal"))
    return left, right
