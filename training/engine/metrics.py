"""Figures about a model's judgement, with intervals over what is independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


@dataclass(frozen=True)
class RankingOutcome:
    """A reward model on one ranking: its non-tied pairs, those it orders as people did, the sum of their log
    loss."""

    pairs: int
    correct: float
    log_loss: float


def ranking_outcome(scores: Tensor, places: Tensor) -> RankingOutcome:
    """scores, places: (K,), place 1 is best. Equal scores on a non-tied pair count half."""
    margins = (scores[:, None] - scores[None, :])[places[:, None] < places[None, :]]
    correct = (margins > 0).sum() + 0.5 * (margins == 0).sum()
    return RankingOutcome(len(margins), float(correct), float(-logsigmoid(margins).sum()))


@dataclass(frozen=True)
class Accuracy:
    """Share of non-tied pairs ordered right, its 95 % interval, and what it was counted on."""

    value: float
    low: float
    high: float
    pairs: int
    rankings: int
    log_loss: float


def pair_accuracy(outcomes: Sequence[RankingOutcome], *, seed: int = 0, resamples: int = 1000) -> Accuracy:
    """Accuracy over pairs with a percentile bootstrap over rankings: pairs of one ranking are not
    independent."""
    correct = torch.tensor([outcome.correct for outcome in outcomes], dtype=torch.float64)
    pairs = torch.tensor([outcome.pairs for outcome in outcomes], dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(outcomes), (resamples, len(outcomes)), generator=generator)
    resampled = (correct[chosen].sum(1) / pairs[chosen].sum(1)).sort().values
    return Accuracy(
        value=float(correct.sum() / pairs.sum()),
        low=float(resampled[int(0.025 * resamples)]),
        high=float(resampled[int(0.975 * resamples) - 1]),
        pairs=int(pairs.sum()),
        rankings=len(outcomes),
        log_loss=sum(outcome.log_loss for outcome in outcomes) / float(pairs.sum()),
    )
