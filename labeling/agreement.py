"""How far people who ranked the same task agree: pure arithmetic on places, without a database."""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

Z = 1.96  # of a 95 % interval
FEW_TASKS = 10  # with fewer the spread between tasks is itself a guess


@dataclass(frozen=True)
class Agreement:
    """share: of the pairs that two people both ordered, those they ordered alike; None without a pair.

    low and high: its 95 % interval. pairs: two outputs of a task as two of its people ordered them. tasks: in
    which there is such a pair. effective: how many independent pairs would tell as much.
    """

    share: float | None
    low: float | None
    high: float | None
    pairs: int
    tasks: int
    effective: float = 0.0

    @property
    def half_width(self) -> float | None:
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def pairwise_agreement(judgments: Iterable[tuple[Hashable, Sequence[Sequence[int]]]]) -> Agreement:
    """The share of pairs of outputs that two people order alike, as InstructGPT reports it (72.6 %, 3.4).

    judgments: (task, the places that each of its people gave, by slot), each task once; one person alone in a
    task adds nothing. A pair that either of the two people tied is left out, as ties are in the training of
    reward models. Each pair of people and of outputs counts the same.

    The interval is Wilson's, for as many pairs as are worth independent ones: share × (1 − share) ÷ variance,
    the variance being that of a ratio whose sampling units are the tasks (Cochran 1977, chapter 6; Franco
    et al. 2019 for Wilson's interval with an effective sample size). Where that variance says nothing (fewer
    than ten tasks, or all alike), the pairs of a task count as one and the same: (Σn)² ÷ Σn² (Kish 1965).
    It speaks of other tasks judged by these people, not of other people.
    """
    sums = _Sums()
    for _task, places in judgments:
        agreed, pairs = _agreed(places)
        if pairs:
            sums.add(agreed, pairs)
    return sums.agreement()


def agreement_of_each(judgments: Iterable[Mapping[int, Sequence[int]]]) -> dict[int, Agreement]:
    """Person → how far the others of their tasks order pairs as they do, counted as in pairwise_agreement.

    judgments: of each task person → places. However many others a task has, it is one task: what somebody
    gave there stands in all of its pairs.
    """
    sums: dict[int, _Sums] = defaultdict(_Sums)
    for people in judgments:
        counts = _orders(list(people.values()))
        for person, places in people.items():
            agreed, pairs = _agreed_with_others(places, counts)
            of_person = sums[person]
            if pairs:
                of_person.add(agreed, pairs)
    return {person: found.agreement() for person, found in sums.items()}


def pairs_agreed(places: Sequence[int], reference: Sequence[int]) -> tuple[float, int]:
    """(pairs in the order of the reference, pairs that it orders); one tied in `places` is half a pair.

    Pairs that the reference itself ties say nothing, whatever becomes of them.
    """
    agreed, pairs = 0.0, 0
    for one, other in combinations(range(len(reference)), 2):
        wanted = reference[one] - reference[other]
        if wanted == 0:
            continue
        said = places[one] - places[other]
        pairs += 1
        agreed += 0.5 if said == 0 else float(said * wanted > 0)
    return agreed, pairs


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % interval of a share seen in n independent cases (Wilson 1927); n need not be whole."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)


@dataclass
class _Sums:
    """Over tasks, of the pairs agreed on (a) and all pairs (n): enough for the share and its variance."""

    tasks: int = 0
    agreed: int = 0
    pairs: int = 0
    aa: int = 0
    an: int = 0
    nn: int = 0

    def add(self, agreed: int, pairs: int) -> None:
        self.tasks += 1
        self.agreed += agreed
        self.pairs += pairs
        self.aa += agreed * agreed
        self.an += agreed * pairs
        self.nn += pairs * pairs

    def agreement(self) -> Agreement:
        if not self.pairs:
            return Agreement(None, None, None, 0, 0)
        share, effective = self.agreed / self.pairs, self.effective()
        return Agreement(share, *wilson(share, effective), self.pairs, self.tasks, effective)

    def effective(self) -> float:
        share = self.agreed / self.pairs
        fewest = self.pairs**2 / self.nn
        if self.tasks < FEW_TASKS or not 0 < share < 1:
            return fewest
        spread = max(0.0, self.aa - 2 * share * self.an + share**2 * self.nn)
        variance = self.tasks / (self.tasks - 1) * spread / self.pairs**2
        # A spread smaller than chance would give is luck, not knowledge: never more than there are pairs.
        most = self.pairs if variance == 0 else min(self.pairs, share * (1 - share) / variance)
        return max(fewest, most)


def _orders(places: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Of each two outputs: how many people put the first before the second, and how many the other way."""
    return [
        (
            sum(a < b for a, b in zip(one, other, strict=True)),
            sum(a > b for a, b in zip(one, other, strict=True)),
        )
        for one, other in combinations(list(zip(*places, strict=True)), 2)
    ]


def _agreed(places: Sequence[Sequence[int]]) -> tuple[int, int]:
    """(alike, all) among the pairs of two outputs and two people who both ordered them."""
    agreed = pairs = 0
    for first, second in _orders(places):
        agreed += math.comb(first, 2) + math.comb(second, 2)
        pairs += math.comb(first + second, 2)
    return agreed, pairs


def _agreed_with_others(own: Sequence[int], orders: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """(alike, all) among the pairs that this person, one of those counted, and another both ordered."""
    agreed = pairs = 0
    for (one, other), (first, second) in zip(combinations(own, 2), orders, strict=True):
        if one != other:
            agreed += (first if one < other else second) - 1
            pairs += first + second - 1
    return agreed, pairs
