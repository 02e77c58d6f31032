"""The rankings that both sides of the reward-model benchmark learn from. Standard library only."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import combinations
from typing import Any

EOS, FIRST, VOCABULARY = (
    2,
    100,
    49152,
)  # SmolLM2's end of turn; random tokens are drawn above its special ones
SHORTEST, LONGEST = 48, 80
# The first makes the optimizer's state; only then do gradients lie where they lie in every later update.
WARM_UPS = 2


@dataclass(frozen=True)
class Shape:
    """Rankings of one update: K completions of SHORTEST to LONGEST tokens after prompts of one length."""

    completions: int
    prompt_tokens: int
    rankings: int

    @property
    def pairs(self) -> int:
        """Comparisons of one update."""
        return self.rankings * self.completions * (self.completions - 1) // 2


@dataclass(frozen=True)
class TokenRanking:
    """A prompt and its completions, the best first."""

    prompt_ids: tuple[int, ...]
    completions: tuple[tuple[int, ...], ...]


def rankings_of_update(shape: Shape, number: int) -> list[TokenRanking]:
    """The rankings of an update, the same on both sides."""
    chance = random.Random(f"{shape} {number}")

    def tokens(count: int) -> tuple[int, ...]:
        return tuple(chance.randrange(FIRST, VOCABULARY) for _ in range(count))

    return [
        TokenRanking(
            tokens(shape.prompt_tokens),
            tuple((*tokens(chance.randint(SHORTEST, LONGEST) - 1), EOS) for _ in range(shape.completions)),
        )
        for _ in range(shape.rankings)
    ]


def pairs_of_update(shape: Shape, number: int) -> list[dict[str, list[int]]]:
    """The same expanded to pairs as TRL takes them, pairs of like length next to each other: less padding."""
    pairs = [
        {"chosen_ids": list(r.prompt_ids + chosen), "rejected_ids": list(r.prompt_ids + rejected)}
        for r in rankings_of_update(shape, number)
        for chosen, rejected in combinations(r.completions, 2)
    ]
    return sorted(pairs, key=lambda pair: -max(len(ids) for ids in pair.values()))


def shape_of(settings: dict[str, Any]) -> Shape:
    """The shape that a side was given on its command line."""
    return Shape(**settings["shape"])
