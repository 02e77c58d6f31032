"""The default declared preference: a plain, finished answer to what was asked.

It stands in for people where none are at hand: the headless loop and the tests. It reads only what a
person would see, so its order can be argued with by eye. Copy this file to declare another one.
"""

import re
from collections.abc import Mapping, Sequence

FILLERS = re.compile(
    r"\s*(sure|certainly|of course|absolutely|great question|what a|i'd be happy|i'm happy|i'm glad|"
    r"thank you|as an ai|i'm sorry|here are|here is|here's|to answer|that's a)\b",
    re.IGNORECASE,
)
MARKUP = re.compile(r"\*\*|^\s*#+ |^\s*[-*•] |^\s*\d+[.)] ", re.MULTILINE)
WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
STOP_WORDS = frozenset(
    WORD.findall(
        "a an and are as at be by can could do does for from give how i if in is it its me my of on one or "
        "please short should some tell that the them there these this to two used what when which who why "
        "will with would write you your explain describe name suggest sentence sentences between"
    )
)
COMFORTABLE_WORDS = 40


def preference(prompt: Sequence[Mapping[str, str]], completion: str) -> float:
    """How good this completion is, in units in which 1 is a difference anybody would see.

    prompt: the conversation, [{"role", "content"}, …]. completion: the text shown to annotators.
    """
    words = [word.lower() for word in WORD.findall(completion)]
    if not words:
        return -4.0
    return (
        1.5 * _is_finished(completion)
        - 0.9 * bool(FILLERS.match(completion))
        + 1.2 * _share_taken_up(prompt, words)
        - 2.0 * _repetition(words)
        - 0.7 * min(len(MARKUP.findall(completion)), 4) / 2
        - 1.0 * max(0, len(words) - COMFORTABLE_WORDS) / 25
        - 1.5 * (len(words) < 5)
    )


def _is_finished(completion: str) -> bool:
    """The text ends where a sentence does, not in the middle of one."""
    return completion.rstrip().endswith((".", "!", "?", '."', '!"', '?"', ".)", "。"))


def _share_taken_up(prompt: Sequence[Mapping[str, str]], words: list[str]) -> float:
    """Which share of the content words of the last turn the answer takes up, by their first five letters."""
    asked = {w.lower()[:5] for w in WORD.findall(prompt[-1]["content"]) if w.lower() not in STOP_WORDS}
    return len(asked & {word[:5] for word in words}) / len(asked) if asked else 0.0


def _repetition(words: list[str]) -> float:
    """Which share of the runs of three words has been said before."""
    runs = list(zip(words, words[1:], words[2:], strict=False))
    return 1 - len(set(runs)) / len(runs) if runs else 0.0
