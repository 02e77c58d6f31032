"""From scores to advantages: KL-penalised rewards, generalized advantage estimation, whitening."""

from __future__ import annotations

import torch
from torch import Tensor

from training.engine.algorithms.masking import masked_mean, masked_variance


def last_real_index(completion_mask: Tensor) -> Tensor:
    """(batch, time) mask whose real tokens come first to the (batch,) index of the last real token."""
    return completion_mask.sum(dim=1) - 1


def penalize_missing_eos(scores: Tensor, has_eos: Tensor, *, penalty: float) -> Tensor:
    """Subtract `penalty` from the scores of completions that did not end by themselves.

    scores: (batch,) float. has_eos: (batch,) bool. After Huang et al. 2024, detail 23 (the "EOS trick").
    """
    return torch.where(has_eos, scores, scores - penalty)


def kl_penalized_rewards(
    scores: Tensor, logprobs: Tensor, ref_logprobs: Tensor, completion_mask: Tensor, *, kl_coef: float
) -> Tensor:
    """Per-token reward -kl_coef * (log p - log p_ref), plus the score on the last real token (Ouyang 2022,
    eq. 2).

    scores: (batch,). logprobs, ref_logprobs: (batch, time). completion_mask: (batch, time) bool, True on real
    tokens, which come first; every row has at least one. The score sits on the last real token, not on the
    padding after it, where it would be a step of its own. Returns (batch, time), zero on padding.
    """
    penalty = -kl_coef * (logprobs - ref_logprobs)
    rewards = torch.where(completion_mask, penalty, torch.zeros_like(penalty))
    rows = torch.arange(len(scores), device=scores.device)
    rewards[rows, last_real_index(completion_mask)] += scores
    return rewards


def adapted_kl_coef(kl_coef: float, kl: float, *, target: float, completions: int, horizon: int) -> float:
    """The next KL coefficient of a proportional controller in log space (Ziegler et al. 2019, 2.2).

    kl: nats per completion, just measured on so many `completions`. The error kl / target - 1 is cut to
    [-0.2, 0.2], so that `horizon` completions change the coefficient by about a fifth at most.
    """
    error = min(0.2, max(-0.2, kl / target - 1))
    return kl_coef * (1 + error * completions / horizon)


def generalized_advantages(
    rewards: Tensor, values: Tensor, completion_mask: Tensor, *, gamma: float, gae_lambda: float
) -> tuple[Tensor, Tensor]:
    """Generalized advantage estimation (Schulman et al. 2016, eq. 16).

    rewards, values: (batch, time) float. completion_mask: (batch, time) bool, True on real
    tokens, which come before any padding. values[:, t] is the value of the state in which token t was chosen;
    after the last real token it is 0. Returns (advantages, returns), both zero on padding.
    """
    zeros = torch.zeros_like(rewards)
    rewards = torch.where(completion_mask, rewards, zeros)
    values = torch.where(completion_mask, values, zeros)
    advantages = torch.zeros_like(rewards)
    running = torch.zeros_like(rewards[:, 0])
    next_values = torch.zeros_like(rewards[:, 0])
    for t in reversed(range(rewards.shape[1])):
        delta = rewards[:, t] + gamma * next_values - values[:, t]
        running = delta + gamma * gae_lambda * running
        advantages[:, t] = running
        next_values = values[:, t]
    return torch.where(completion_mask, advantages, zeros), torch.where(
        completion_mask, advantages + values, zeros
    )


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """Centre and scale to unit variance over the True positions of the whole batch; zero elsewhere.

    values, mask: (batch, time). Over the whole batch and before it is cut into minibatches: per-minibatch
    statistics would weigh the same advantage differently from one minibatch to the next.
    """
    scaled = (values - masked_mean(values, mask)) * torch.rsqrt(masked_variance(values, mask) + 1e-8)
    return torch.where(mask, scaled, torch.zeros_like(scaled))


def scale_to_unit_deviation(rewards: Tensor, mask: Tensor) -> Tensor:
    """Scale to unit variance over the True positions of the whole batch and keep the mean; zero elsewhere.

    rewards, mask: (batch, time). After Ziegler et al. 2019's code. The mean stays, because it says whether
    ending a completion early pays.
    """
    mean = masked_mean(rewards, mask)
    return torch.where(mask, whiten(rewards, mask) + mean, torch.zeros_like(rewards))
