"""Watching PPO: the policy on valid prompts, and when a run has gone too far from its reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from training.engine.algorithms.logprobs import kl_k1, kl_k3
from training.engine.algorithms.masking import masked_mean, masked_sum
from training.engine.algorithms.rollout import Rollout
from training.engine.config import PpoConfig
from training.engine.context import RunContext
from training.engine.passes import completion_mask_of
from training.engine.ppo_setup import EncodedPrompt, PpoModels
from training.engine.rollouts import (
    Episode,
    check_finite,
    episode_logprobs,
    logprobs_when_written,
    score_episodes,
    write_completions,
)

TEXTS_SHOWN = 4


@dataclass(frozen=True)
class PolicyFigures:
    """The policy on a fixed set of prompts. score: mean of the reward model's numbers; score_deviation:
    theirs.

    kl: mean over completions of the sum over tokens of log p - log p_ref, nats (k1); kl_k3: the same by k3.
    length: mean number of tokens, EOS included. eos_rate: share that ended by itself.
    """

    score: float
    score_deviation: float
    kl: float
    kl_k3: float
    length: float
    eos_rate: float
    surprise: float  # mean of -log p of the sampled tokens: an estimate of the entropy, nats per token
    prompts: int = 0  # how many they were taken on

    def score_margin(self) -> float:
        """Half the width of a 95 % interval around the mean score, by the normal approximation."""
        return 1.96 * self.score_deviation / math.sqrt(max(1, self.prompts - 1))

    def as_metrics(self) -> dict[str, float]:
        """For a metrics event."""
        return {
            "valid/score": self.score,
            "valid/kl": self.kl,
            "valid/kl_k3": self.kl_k3,
            "valid/length": self.length,
            "valid/eos_rate": self.eos_rate,
            "valid/surprise": self.surprise,
        }


def evaluate(
    models: PpoModels,
    prompts: Sequence[EncodedPrompt],
    tokenizer: Any,
    config: PpoConfig,
    context: RunContext,
    *,
    step: int,
) -> PolicyFigures:
    """One completion per prompt from a random stream that is the same at every step; shows a few of them."""
    episodes = write_completions(
        models.sampler, prompts, tokenizer, config, context, stream=f"{config.seed}/valid"
    )
    scores = score_episodes(models.reward_model, episodes, tokenizer, config, context)
    logprobs = logprobs_when_written(models, episodes, tokenizer, config, context)
    ref_logprobs = episode_logprobs(models.reference, episodes, tokenizer, config, context)
    check_finite(scores=scores, logprobs=logprobs, ref_logprobs=ref_logprobs)
    mask = completion_mask_of([episode.sequence for episode in episodes])
    figures = PolicyFigures(
        score=float(scores.mean()),
        score_deviation=float(scores.std(correction=0)),
        kl=kl_per_completion(kl_k1(logprobs, ref_logprobs), mask),
        kl_k3=kl_per_completion(kl_k3(logprobs, ref_logprobs), mask),
        length=float(mask.sum(dim=1).float().mean()),
        eos_rate=sum(episode.has_eos for episode in episodes) / len(episodes),
        surprise=-float(masked_mean(logprobs, mask)),
        prompts=len(episodes),
    )
    context.events.metrics(step, figures.as_metrics())
    _show(episodes[:TEXTS_SHOWN], scores, context, step=step)
    return figures


def rollout_metrics(rollout: Rollout) -> dict[str, float]:
    """What the policy did in a training batch, on the same scales as `PolicyFigures`."""
    mask = rollout.completion_mask
    return {
        "train/score": float(rollout.scores.mean()),
        "train/kl": kl_per_completion(kl_k1(rollout.logprobs, rollout.ref_logprobs), mask),
        "train/kl_k3": kl_per_completion(kl_k3(rollout.logprobs, rollout.ref_logprobs), mask),
        "train/length": float(mask.sum(dim=1).float().mean()),
        "train/eos_rate": float(rollout.has_eos.float().mean()),
        "train/surprise": -float(masked_mean(rollout.logprobs, mask)),
        "train/distinct_2": distinct_pairs([sequence.completion_ids for sequence in rollout.sequences]),
    }


def distinct_pairs(completions: Sequence[Sequence[int]]) -> float:
    """Share of pairs of neighbouring tokens that are the first of their kind (distinct-2, Li et al. 2016).

    1 when nothing repeats; it falls when completions repeat themselves or each other. 0 without any pair.
    """
    pairs = [pair for completion in completions for pair in pairwise(completion)]
    return len(set(pairs)) / max(1, len(pairs))


def kl_per_completion(per_token: Tensor, completion_mask: Tensor) -> float:
    """Mean over completions of the sum over their real tokens, nats."""
    return float(masked_sum(per_token, completion_mask) / len(completion_mask))


def score_scale(figures: PolicyFigures, config: PpoConfig) -> float:
    """What scores are divided by before penalties: their deviation under the reference policy, or 1."""
    is_usable = config.scale_scores and figures.score_deviation > torch.finfo(torch.float32).eps
    return figures.score_deviation if is_usable else 1.0


def _show(episodes: Sequence[Episode], scores: Tensor, context: RunContext, *, step: int) -> None:
    for episode, score in zip(episodes, scores.tolist(), strict=False):
        context.events.text(
            step, "\n\n".join(m.content for m in episode.prompt.messages), episode.text, score
        )
