"""How alike two texts are, for whoever would have to tell them apart."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence, Set

# What changes nothing in a text: quotation marks, marks of emphasis and code, punctuation that ends a word.
SOFT = re.compile(r"[\"'“”‘’«»`*_…。，；：！？、]|[.,;:!?](?=\s|$)")
# A word, a character of a script without spaces, or a single sign.
TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+|[^\w\s]")
NEGATION = re.compile(
    "no|not|never|none|nothing|without|cannot"
    "|(?:is|are|was|were|do|does|did|ca|could|should|would|wo|has|have|had|must)nt|[不没无非未别]"
)
RUN = 3  # words in a row
NEAR = 0.9


def tokens_of(text: str) -> list[str]:
    """Words and signs in their order; letter case, white space, quotes and emphasis aside."""
    return TOKEN.findall(SOFT.sub("", unicodedata.normalize("NFKC", text).casefold()))


def runs_of(tokens: Sequence[str], length: int) -> frozenset[tuple[str, ...]]:
    """Every run of so many tokens; a shorter text is one run."""
    starts = range(max(1, len(tokens) - length + 1))
    return frozenset(tuple(tokens[start : start + length]) for start in starts)


def likeness(one: Set[tuple[str, ...]], other: Set[tuple[str, ...]]) -> float:
    """0…1: of all runs that either text has, the share that both have (Jaccard)."""
    return len(one & other) / len(one | other)


def are_near_identical(one: str, other: str) -> bool:
    """Whether nobody could rank the two: the same but for marks and case, or nine tenths of it the same.

    A number, a sign or a negation decides what a text says, so texts that differ in one never are.
    """
    first, second = tokens_of(one), tokens_of(other)
    if first == second:
        return bool(first) or one.split() == other.split()
    if _deciding(first) != _deciding(second):
        return False
    return likeness(runs_of(first, RUN), runs_of(second, RUN)) >= NEAR


def _deciding(tokens: list[str]) -> Counter[str]:
    return Counter(token for token in tokens if not token.isalpha() or NEGATION.fullmatch(token))
