"""How alike two texts are, for whoever would have to tell them apart."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence, Set
from functools import cached_property

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
    return ReadText(one).is_near_identical(ReadText(other))


class ReadText:
    """A text that is compared with several others: it is taken apart once."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def tokens(self) -> list[str]:
        return tokens_of(self.text)

    @cached_property
    def runs(self) -> frozenset[tuple[str, ...]]:
        return runs_of(self.tokens, RUN)

    @cached_property
    def deciding(self) -> Counter[str]:
        return Counter(token for token in self.tokens if not token.isalpha() or NEGATION.fullmatch(token))

    def is_near_identical(self, other: "ReadText") -> bool:
        """As are_near_identical says."""
        if self.tokens == other.tokens:
            return bool(self.tokens) or self.text.split() == other.text.split()
        if self.deciding != other.deciding:
            return False
        return likeness(self.runs, other.runs) >= NEAR
