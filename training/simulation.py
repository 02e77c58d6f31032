"""Simulated annotators' judgment: a declared preference plus noise of a known size.

A judge's utility of a completion is preference + scale × Gumbel noise, so that the chance of placing
one completion before another is sigmoid((difference of preferences) / scale) (Luce 1959; Plackett 1975).
"""

import importlib.util
import math
import random
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from django.utils.translation import gettext as _

from labeling.errors import DomainError

Preference = Callable[[Sequence[Mapping[str, str]], str], float]

DEFAULT_PREFERENCE = Path(__file__).parent / "preferences" / "plain_answers.py"


def load_preference(path: Path | str = DEFAULT_PREFERENCE) -> Preference:
    """The `preference` function of a Python file; DomainError when there is none."""
    path = Path(path)
    if not path.is_file():
        raise DomainError("no_preference", _("There is no preference file %s.") % path)
    spec = importlib.util.spec_from_file_location(f"preference_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    preference = getattr(module, "preference", None)
    if not callable(preference):
        raise DomainError(
            "no_preference", _("%s has no function preference(prompt, completion) -> float.") % path
        )
    return preference


def probability_first(difference: float, scale: float) -> float:
    """The chance that a judge places the first of two before the second, `difference` = first − second."""
    if scale == 0:
        return 0.5 if difference == 0 else float(difference > 0)
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, difference / scale))))


def agreement(slates: Sequence[Sequence[float]], scale: float) -> float:
    """The expected share of pairs that two judges order alike: the mean of p² + (1 − p)²."""
    chances = [probability_first(a - b, scale) for slate in slates for a, b in combinations(slate, 2)]
    return sum(p * p + (1 - p) * (1 - p) for p in chances) / len(chances)


def accuracy_allowed_by_noise(slates: Sequence[Sequence[float]], scale: float) -> float:
    """The best expected share of pairs that anything can predict of one judge: the mean of max(p, 1 − p)."""
    chances = [probability_first(a - b, scale) for slate in slates for a, b in combinations(slate, 2)]
    return sum(max(p, 1 - p) for p in chances) / len(chances)


def scale_for_agreement(slates: Sequence[Sequence[float]], wanted: float) -> float:
    """The noise scale at which two judges agree on `wanted` of these pairs (bisection).

    0 when even noise-free judges agree less, because too many pairs are equally good.
    """
    if agreement(slates, 0.0) <= wanted:
        return 0.0
    low, high = 0.0, 1.0
    while agreement(slates, high) > wanted:
        high *= 2
    for _step in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if agreement(slates, middle) > wanted else (low, middle)
    return (low + high) / 2


def noisy_places(preferences: Sequence[float], scale: float, rng: random.Random) -> list[int]:
    """Places (1 is best) of one noisy judge, aligned with `preferences`; noise-free equals are ties."""
    utilities = [value + scale * gumbel(rng) if scale else value for value in preferences]
    ranks = {value: place for place, value in enumerate(sorted(set(utilities), reverse=True), start=1)}
    return [ranks[value] for value in utilities]


def gumbel(rng: random.Random) -> float:
    """One standard Gumbel draw."""
    return -math.log(-math.log(rng.random() or 0.5))
