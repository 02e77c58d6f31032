"""What both sides of the page benchmark show: prompts and outputs, out of this repository's texts."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from benchmarks.environments import REPOSITORY

PAGES = ("annotators", "managers", "engineers", "operations")
OUTPUT_CHARACTERS = 700  # some 110 words
CHARACTERS_APART = 733  # tasks do not begin alike


@dataclass(frozen=True)
class Texts:
    """Of one task."""

    prompt: str
    outputs: tuple[str, ...]

    @property
    def compressed_bytes(self) -> int:
        """What the texts alone take, compressed like a page."""
        return len(zlib.compress("\n".join((self.prompt, *self.outputs)).encode(), 6))


def tasks(count: int, outputs: int) -> list[Texts]:
    """`count` tasks of `outputs` different outputs each; every prompt has its number in it."""
    pages = [REPOSITORY / "docs" / f"{name}.md" for name in PAGES]
    passage = " ".join(word for page in pages for word in page.read_text(encoding="utf-8").split())
    places = iter(range(0, len(passage) * count * outputs, CHARACTERS_APART))
    turns = len(passage) - OUTPUT_CHARACTERS
    made = []
    for number in range(1, count + 1):
        begins = [next(places) % turns for _ in range(outputs)]
        texts = (passage[begin : begin + OUTPUT_CHARACTERS] for begin in begins)
        made.append(Texts(f"Task {number}: how does one begin here, and what comes after it?", tuple(texts)))
    return made
