"""Making rollouts: completions by the policy, their scores, and the per-token tensors PPO learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from training.engine.algorithms.advantages import (
    generalized_advantages,
    kl_penalized_rewards,
    penalize_missing_eos,
    scale_to_unit_deviation,
    whiten,
)
from training.engine.algorithms.batching import TokenSequence
from training.engine.algorithms.rollout import Rollout
from training.engine.config import PpoConfig, SftConfig
from training.engine.context import RunContext
from training.engine.errors import TrainingFailed
from training.engine.modeling import ScalarModel
from training.engine.passes import (
    completion_logprobs,
    completion_mask_of,
    completion_values,
    per_token,
    score_all,
)
from training.engine.ppo_setup import EncodedPrompt, PpoModels, are_kept_from_decoding
from training.engine.sampling import SamplingRequest, SamplingSettings, sample_completions
from training.engine.tokenization import decode_completion, encode


@dataclass(frozen=True)
class Scales:
    """score: what scores are divided by, before penalties. kl_coef: penalty per nat, in those units."""

    score: float
    kl_coef: float


@dataclass(frozen=True)
class Episode:
    """One completion by the policy: its tokens as sampled, and the text that people and the reward model
    read."""

    prompt: EncodedPrompt
    sequence: TokenSequence
    logprobs: tuple[float, ...]  # of its tokens, as they were drawn
    text: str
    has_eos: bool


def write_completions(
    sampler: Any,
    prompts: Sequence[EncodedPrompt],
    tokenizer: Any,
    config: PpoConfig | SftConfig,
    context: RunContext,
    *,
    stream: str,
) -> list[Episode]:
    """One completion per prompt, in the order of the prompts. Another `stream` gives other completions."""
    settings = SamplingSettings(
        stream=stream,
        max_new_tokens=config.max_new_tokens,
        temperature=config.temperature,
        rows_in_flight=config.rows_in_flight,
        eos_id=tokenizer.eos_token_id,
    )
    # A prompt can come twice in one step: its number within the step tells the completions apart.
    requests = [SamplingRequest(p.prompt_id, p.prompt_ids, (number,)) for number, p in enumerate(prompts)]
    completions = context.divide(
        requests, lambda own: sample_completions(sampler, own, settings, context.stop.check)
    )
    return [
        Episode(
            prompt=prompts[completion.index],
            sequence=TokenSequence(prompts[completion.index].prompt_ids, completion.token_ids),
            logprobs=completion.logprobs,
            text=decode_completion(tokenizer, completion.token_ids),
            has_eos=completion.finish_reason == "stop",
        )
        for completion in sorted(completions, key=lambda completion: completion.index)
    ]


def score_episodes(
    reward_model: ScalarModel,
    episodes: Sequence[Episode],
    tokenizer: Any,
    config: PpoConfig | SftConfig,
    context: RunContext,
) -> Tensor:
    """Scores of what the episodes say, (episodes,), read at the EOS.

    From the text, tokenized as rankings are: the policy may reach a text by other tokens than the tokenizer's
    own, or with special tokens that no reader sees, and must not be scored on either.
    """
    sequences = [encode(tokenizer, episode.prompt.messages, episode.text) for episode in episodes]
    return score_all(
        reward_model,
        sequences,
        context,
        pad_id=tokenizer.pad_token_id,
        tokens_per_microbatch=config.tokens_per_microbatch,
    )


def episode_logprobs(
    policy: Any, episodes: Sequence[Episode], tokenizer: Any, config: PpoConfig, context: RunContext
) -> Tensor:
    """Log-probabilities by the forward pass of training, (episodes, time)."""
    return _per_token(
        partial(completion_logprobs, policy, temperature=config.temperature),
        episodes,
        tokenizer,
        config,
        context,
    )


def logprobs_when_written(
    models: PpoModels,
    episodes: Sequence[Episode],
    tokenizer: Any,
    config: PpoConfig,
    context: RunContext,
) -> Tensor:
    """Log-probabilities under the policy that wrote the episodes, (episodes, time).

    In float32 those of decoding, which equal the training pass to rounding. In bfloat16 the two differ by up
    to 0.5 a token, and the first ratio would not be 1: there they are computed again by the training pass.
    """
    if not are_kept_from_decoding(context):
        return episode_logprobs(models.policy, episodes, tokenizer, config, context)
    drawn = [torch.tensor(episode.logprobs) for episode in episodes]
    return torch.nn.utils.rnn.pad_sequence(drawn, batch_first=True)


def make_rollout(
    models: PpoModels,
    episodes: Sequence[Episode],
    scores: Tensor,
    tokenizer: Any,
    scales: Scales,
    config: PpoConfig,
    context: RunContext,
) -> Rollout:
    """Log-probabilities, KL-penalised rewards, values, advantages and returns of scored episodes.

    TrainingFailed when one of the models gives what is not a finite number.
    """
    logprobs = logprobs_when_written(models, episodes, tokenizer, config, context)
    ref_logprobs = episode_logprobs(models.reference, episodes, tokenizer, config, context)
    values = _per_token(partial(completion_values, models.value_model), episodes, tokenizer, config, context)
    check_finite(scores=scores, logprobs=logprobs, ref_logprobs=ref_logprobs, values=values)
    completion_mask = completion_mask_of([episode.sequence for episode in episodes])
    has_eos = torch.tensor([episode.has_eos for episode in episodes])
    final = penalize_missing_eos(scores / scales.score, has_eos, penalty=config.missing_eos_penalty)
    rewards = kl_penalized_rewards(final, logprobs, ref_logprobs, completion_mask, kl_coef=scales.kl_coef)
    if config.whiten_rewards:
        rewards = scale_to_unit_deviation(rewards, completion_mask)
    advantages, returns = generalized_advantages(
        rewards, values, completion_mask, gamma=config.gamma, gae_lambda=config.gae_lambda
    )
    return Rollout(
        sequences=tuple(episode.sequence for episode in episodes),
        scores=scores,
        has_eos=has_eos,
        completion_mask=completion_mask,
        logprobs=logprobs,
        ref_logprobs=ref_logprobs,
        values=values,
        advantages=whiten(advantages, completion_mask),
        returns=returns,
    )


def check_finite(**tensors: Tensor) -> None:
    """TrainingFailed that names those with nan or infinity in them."""
    broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    if broken:
        raise TrainingFailed(
            f"{', '.join(broken)} of the completions are not finite numbers: lower the learning rates, or "
            "train the reward model again, at a lower rate"
        )


def _per_token(
    batch_pass: Any, episodes: Sequence[Episode], tokenizer: Any, config: PpoConfig, context: RunContext
) -> Tensor:
    return per_token(
        batch_pass,
        [episode.sequence for episode in episodes],
        context,
        pad_id=tokenizer.pad_token_id,
        tokens_per_microbatch=config.tokens_per_microbatch,
    )
