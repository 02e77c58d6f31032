"""The losses of the three stages. Each returns a sum or a mean as its name says, so that micro-batches add up
exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from training.engine.algorithms.masking import masked_sum


def ranking_loss(scores: Tensor, places: Tensor) -> Tensor:
    """Mean of -log sigmoid(r_chosen - r_rejected) over all non-tied pairs of one ranking (Ouyang 2022, eq.
    1).

    scores: (K,) float, one forward pass per completion. places: (K,) int, 1 = best, equal places are ties and
    give no pair. Scalar. A ranking needs at least one non-tied pair. Averaged within the ranking, so that
    each labeling task weighs the same whatever its K.
    """
    chosen_over_rejected = places[:, None] < places[None, :]
    margins = scores.float()[:, None] - scores.float()[None, :]
    return -logsigmoid(margins[chosen_over_rejected]).mean()


def comparisons(places: Tensor) -> int:
    """Number of non-tied pairs of a ranking with these places (K,)."""
    return int((places[:, None] < places[None, :]).sum())


def ranking_weights(places: Sequence[Tensor], *, pair_norm: str) -> list[float]:
    """What each ranking of a batch counts in its loss; they sum to 1.

    "ranking": each the same, however many pairs it has: a labeling task is one observation (Ouyang 2022,
    3.5). "pairs": each pair the same, as when the pairs of all rankings are shuffled into one data set.
    """
    pairs = [comparisons(own) if pair_norm == "pairs" else 1 for own in places]
    return [count / sum(pairs) for count in pairs]


@dataclass(frozen=True)
class PolicyLoss:
    """`loss_sum` carries the gradient; the others are detached sums over real tokens."""

    loss_sum: Tensor
    clipped: Tensor
    approx_kl: Tensor
    ratio_max: Tensor


def clipped_policy_loss(
    logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, completion_mask: Tensor, *, clip_range: float
) -> PolicyLoss:
    """PPO's clipped surrogate (Schulman et al. 2017, eq. 7), negated, summed over real tokens.

    All tensors (batch, time); completion_mask is True on real tokens. The caller divides by the number of
    real tokens of the whole minibatch: a mean of micro-batch means would weigh short batches too much.
    """
    difference = torch.where(completion_mask, logprobs - old_logprobs, torch.zeros_like(logprobs))
    ratio = difference.exp()
    unclipped = -advantages * ratio
    clipped = -advantages * ratio.clamp(1 - clip_range, 1 + clip_range)
    return PolicyLoss(
        loss_sum=masked_sum(torch.maximum(unclipped, clipped), completion_mask),
        clipped=masked_sum((clipped > unclipped).float(), completion_mask).detach(),
        approx_kl=masked_sum(ratio - 1 - difference, completion_mask).detach(),
        ratio_max=ratio.max().detach(),
    )


def clipped_value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, completion_mask: Tensor, *, value_clip_range: float
) -> Tensor:
    """Half the larger of the squared errors of the new and of the clipped values, summed over real tokens.

    All tensors (batch, time). As in Stiennon et al. 2020's code and Huang et al. 2024; the value may move at
    most `value_clip_range` (in units of the score) from its old estimate within one PPO step.
    """
    near_old = torch.clamp(values, old_values - value_clip_range, old_values + value_clip_range)
    return masked_sum(
        0.5 * torch.maximum((values - returns) ** 2, (near_old - returns) ** 2), completion_mask
    )
