"""A reward model's judgement beside people's, with intervals over what is independent: rankings.

Places are 1 = best; equal places are ties and give no pair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


@dataclass(frozen=True)
class ScoredRanking:
    """A ranking that a reward model has read. scores, places, lengths: (K,); lengths in tokens of the
    completion."""

    scores: Tensor
    places: Tensor
    lengths: Tensor

    @property
    def margins(self) -> Tensor:
        """r_chosen − r_rejected of each non-tied pair, (pairs,) float64."""
        return chosen_minus_rejected(self.scores, self.places)


def chosen_minus_rejected(values: Tensor, places: Tensor) -> Tensor:
    """The difference of a value in each non-tied pair of a ranking, (pairs,) float64. values, places:
    (K,)."""
    differences = values.double()[:, None] - values.double()[None, :]
    return differences[places[:, None] < places[None, :]]


@dataclass(frozen=True)
class Accuracy:
    """Share of non-tied pairs ordered right, its 95 % interval, and what it was counted on."""

    value: float
    low: float
    high: float
    pairs: int
    rankings: int


def is_right(margins: Tensor) -> Tensor:
    """1 where the chosen one scores higher, 0 where lower, one half where both score the same."""
    return (torch.sign(margins) + 1) / 2


def pair_accuracy(margins: Sequence[Tensor], *, seed: int = 0, resamples: int = 1000) -> Accuracy:
    """Accuracy over pairs with a percentile bootstrap over rankings: pairs of one ranking are not
    independent. margins: per ranking r_chosen − r_rejected, (its pairs,)."""
    correct = torch.stack([is_right(own).sum() for own in margins])
    pairs = torch.tensor([len(own) for own in margins], dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    resampled = torch.zeros(resamples, dtype=torch.float64)
    for number in range(resamples):  # one at a time: a table of all would be large
        chosen = torch.randint(len(margins), (len(margins),), generator=generator)
        resampled[number] = correct[chosen].sum() / pairs[chosen].sum()
    resampled = resampled.sort().values
    return Accuracy(
        value=float(correct.sum() / pairs.sum()),
        low=float(resampled[int(0.025 * resamples)]),
        high=float(resampled[int(0.975 * resamples) - 1]),
        pairs=int(pairs.sum()),
        rankings=len(margins),
    )


def expected_calibration_error(margins: Tensor, *, bins: int = 10, seed: int = 0) -> float:
    """Mean distance between a probability that the model gives and how often it comes true (Guo et al. 2017,
    eq. 3), over bins of equal width.

    margins: (pairs,), r_chosen − r_rejected. Each pair is turned round by a coin, or every outcome would be
    "the first one won".
    """
    first_won = torch.rand(len(margins), generator=torch.Generator().manual_seed(seed)) < 0.5
    probability = torch.sigmoid(torch.where(first_won, margins, -margins))
    bin_of = (probability * bins).long().clamp(max=bins - 1)
    excess = torch.zeros(bins, dtype=torch.float64)
    return float(excess.index_add(0, bin_of, probability - first_won.double()).abs().sum() / len(margins))


def kendall_tau_b(one: Tensor, other: Tensor) -> float | None:
    """Rank correlation that allows for ties in both (Kendall 1945); None where one of them is all tied."""
    above = torch.triu(torch.ones(len(one), len(one), dtype=torch.bool), diagonal=1)
    a, b = (torch.sign(v[:, None].double() - v[None, :].double())[above] for v in (one, other))
    scale = float((a.square().sum() * b.square().sum()).sqrt())
    return float((a * b).sum()) / scale if scale else None


def spearman(one: Tensor, other: Tensor) -> float | None:
    """Correlation of ranks, ties at their mean rank; None where one of them is all tied."""
    a, b = (_mean_ranks(values) for values in (one, other))
    a, b = a - a.mean(), b - b.mean()
    scale = float((a.square().sum() * b.square().sum()).sqrt())
    return float((a * b).sum()) / scale if scale else None


def _mean_ranks(values: Tensor) -> Tensor:
    differences = values.double()[:, None] - values.double()[None, :]
    return is_right(differences).sum(1)


def finds_the_best(ranking: ScoredRanking) -> float:
    """Share of first places among the completions with the highest score."""
    at_the_top = ranking.scores == ranking.scores.max()
    return float((ranking.places[at_the_top] == ranking.places.min()).double().mean())


def reward_model_figures(rankings: Sequence[ScoredRanking], name: str) -> dict[str, float]:
    """All figures of a reward model on rankings that it has not seen, each called {name}_….

    accuracy (with _low and _high), also by the distance of the places (_gap_1, …), by the number of
    completions (_k_4, …), and where the chosen one is the _longer or the _shorter one; log_loss in nats a
    pair; ece; tau: mean Kendall tau-b; best_found: how often the highest score is a first place;
    length_correlation: mean Spearman of score and length; longer_wins: the accuracy of always preferring the
    longer one.
    """
    margins = [r.margins for r in rankings]
    gaps = [-chosen_minus_rejected(r.places, r.places) for r in rankings]
    longer = [chosen_minus_rejected(r.lengths, r.places) for r in rankings]
    sizes = [torch.full_like(own, len(r.places)) for own, r in zip(margins, rankings, strict=True)]
    overall = pair_accuracy(margins)
    together = torch.cat(margins)
    figures = {
        **_with_interval(f"{name}_accuracy", overall),
        f"{name}_pairs": overall.pairs,
        f"{name}_rankings": overall.rankings,
        f"{name}_log_loss": -float(logsigmoid(together).mean()),
        f"{name}_ece": expected_calibration_error(together),
        **_mean(f"{name}_tau", rankings, lambda r: kendall_tau_b(r.scores, -r.places)),
        **_mean(f"{name}_best_found", rankings, finds_the_best),
        **_mean(f"{name}_length_correlation", rankings, lambda r: spearman(r.scores, r.lengths)),
        f"{name}_longer_wins": float(is_right(torch.cat(longer)).mean()),
    }
    for suffix, group in (("gap", gaps), ("k", sizes)):
        figures |= _by_value(f"{name}_accuracy_{suffix}", margins, group)
    for suffix, sign in (("longer", 1.0), ("shorter", -1.0)):
        chosen = _where(margins, [own.sign() == sign for own in longer])
        if chosen:
            figures |= _with_interval(f"{name}_accuracy_{suffix}", pair_accuracy(chosen))
    return figures


def _with_interval(name: str, accuracy: Accuracy) -> dict[str, float]:
    return {name: accuracy.value, f"{name}_low": accuracy.low, f"{name}_high": accuracy.high}


def _mean(
    name: str, rankings: Sequence[ScoredRanking], figure: Callable[[ScoredRanking], float | None]
) -> dict[str, float]:
    found = [value for ranking in rankings if (value := figure(ranking)) is not None]
    return {name: sum(found) / len(found)} if found else {}


def _by_value(name: str, margins: Sequence[Tensor], values: Sequence[Tensor]) -> dict[str, float]:
    """Accuracy with its interval on the pairs of each value of a whole number that pairs have."""
    figures: dict[str, float] = {}
    for value in torch.cat(list(values)).unique().tolist():
        chosen = _where(margins, [own == value for own in values])
        figures |= _with_interval(f"{name}_{int(value)}", pair_accuracy(chosen))
    return figures


def _where(margins: Sequence[Tensor], masks: Sequence[Tensor]) -> list[Tensor]:
    """The pairs of each ranking that a mask selects; rankings without any are left out."""
    return [own[mask] for own, mask in zip(margins, masks, strict=True) if mask.any()]
