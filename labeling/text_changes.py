"""What changed between two versions of a text, line by line and word by word."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

# A Chinese character is a word.
WORD = re.compile(r"[\u3400-\u9fff]|\w+|\s+|.", re.DOTALL)
MOST_WORDS = 4000
CONTEXT = 1

Kind = Literal["same", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Part:
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines that belong together; without parts: lines left out, because nothing changed there."""

    parts: tuple[Part, ...]


def changes(old: str, new: str) -> list[Passage]:
    """The changed lines with their neighbours; of an equal text one passage that stands for all of it."""
    before, after = old.splitlines(), new.splitlines()
    passages: list[Passage] = []
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for number, (tag, i, j, k, m) in enumerate(steps):
        if tag == "equal":
            is_first, is_last = number == 0, number == len(steps) - 1
            passages += _neighbours(after[k:m], is_first=is_first, is_last=is_last)
        else:
            passages.append(Passage(_word_by_word("\n".join(before[i:j]), "\n".join(after[k:m]))))
    return passages


def _neighbours(lines: Sequence[str], *, is_first: bool, is_last: bool) -> list[Passage]:
    head = [] if is_first else lines[:CONTEXT]
    tail = [] if is_last else lines[max(len(head), len(lines) - CONTEXT) :]
    has_gap = len(head) + len(tail) < len(lines)
    found = [_same(head)] if head else []
    found += [Passage(())] if has_gap else []
    return found + ([_same(tail)] if tail else [])


def _same(lines: Sequence[str]) -> Passage:
    return Passage((Part("same", "\n".join(lines)),))


def _word_by_word(old: str, new: str) -> tuple[Part, ...]:
    before, after = WORD.findall(old), WORD.findall(new)
    if not before or not after or len(before) + len(after) > MOST_WORDS:
        return tuple(Part(kind, text) for kind, text in _whole(old, new) if text)
    parts: list[Part] = []
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            parts.append(Part("same", "".join(after[k:m])))
            continue
        if i < j:
            parts.append(Part("gone", "".join(before[i:j])))
        if k < m:
            parts.append(Part("new", "".join(after[k:m])))
    return tuple(parts)


def _whole(old: str, new: str) -> list[tuple[Kind, str]]:
    return [("gone", old), ("new", new)]
