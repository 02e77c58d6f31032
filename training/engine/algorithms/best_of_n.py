"""Best-of-n: the completion with the highest score among n, and what that does to a policy."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def best_of_n_score(scores: Tensor, n: int) -> float:
    """Expected highest score among n completions of a prompt, estimated without bias from N >= n of them.

    scores: (N,) of independent completions. The mean of the maximum over all subsets of n of them:
    sum_i C(i-1, n-1) / C(N, n) r_(i), with r_(1) <= ... <= r_(N) (Nakano et al. 2021, app. I). ValueError
    for n outside 1..N.
    """
    count = len(scores)
    if not 1 <= n <= count:
        raise ValueError(f"best of {n} cannot be estimated from {count} completions")
    weights = [math.comb(place, n - 1) / math.comb(count, n) for place in range(count)]
    return float(scores.double().sort().values @ torch.tensor(weights, dtype=torch.float64))


def best_of_n_kl_bound(n: int) -> float:
    """log n - (n-1)/n, in nats: an upper bound of KL(best of n || policy) and not its value, which is lower
    where completions repeat (Beirami et al. 2024, arXiv 2401.01879)."""
    return math.log(n) - (n - 1) / n


def mean_and_spread(scores: Tensor) -> tuple[Tensor, Tensor]:
    """What an ensemble says: scores (members, n) to their mean and their standard deviation, (n,) each.

    The deviation has divisor members - 1: an estimate of how much another seed would differ. It is nan for a
    single member, which says nothing about that.
    """
    spread = scores.std(dim=0) if len(scores) > 1 else torch.full_like(scores[0], math.nan)
    return scores.mean(dim=0), spread
