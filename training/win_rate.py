"""How often people would take one policy's answers over another's."""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class WinRate:
    """A share of prompts won, ties counting half, with the 95 % interval of a bootstrap over prompts."""

    value: float
    low: float
    high: float
    n: int


def win_rate(
    before: Sequence[float], after: Sequence[float], *, seed: int = 0, rounds: int = 10_000
) -> WinRate:
    """The share of prompts on which `after` beats `before`; both are values per prompt, higher is better.

    Ties count ½. The prompt is the unit of the percentile bootstrap (2.5 %, 97.5 %).
    """
    if len(before) != len(after) or not before:
        raise ValueError(f"win_rate needs one pair per prompt, got {len(before)} and {len(after)}")
    wins = [(a > b) + 0.5 * (a == b) for b, a in zip(before, after, strict=True)]
    rng = random.Random(seed)
    n = len(wins)
    means = sorted(sum(rng.choices(wins, k=n)) / n for _ in range(rounds))
    return WinRate(
        value=sum(wins) / n, low=means[int(0.025 * rounds)], high=means[int(0.975 * rounds) - 1], n=n
    )
