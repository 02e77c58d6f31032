"""Forward passes over texts that are learned from, in rows of their own or packed into one: equal but for
rounding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from training.engine import shared_prefix
from training.engine.algorithms.batching import TokenSequence, collate
from training.engine.config_sft import TextTrainingConfig
from training.engine.context import RunContext
from training.engine.distributed import Microbatch
from training.engine.errors import ConfigError
from training.engine.modeling import Policy
from training.engine.shared_prefix import Group, pack


def prepare_layout(policy: Policy, config: TextTrainingConfig) -> None:
    """Make the policy able to compute the config's layout; ConfigError when its kind cannot."""
    if config.layout == "packed" and not shared_prefix.enable(policy.language_model.base_model):
        raise ConfigError("layout: 'packed' cannot be computed by this kind of model; use bucketed")


def token_logprobs(
    policy: Any, texts: Sequence[TokenSequence], config: TextTrainingConfig, *, pad_id: int
) -> Tensor:
    """Log-probabilities of all completion tokens, (tokens,) float32, in either layout.

    policy: a Policy, or what a Learner made of one.
    """
    if config.layout == "bucketed":
        batch = collate(texts, pad_id=pad_id).to(policy.device)
        in_rows: Tensor = policy(batch.input_ids, batch.completion_mask, temperature=1.0)
        return in_rows
    packed = pack([Group(text.prompt_ids + text.completion_ids) for text in texts])
    wanted = [[False] * len(text.prompt_ids) + [True] * len(text.completion_ids) for text in texts]
    mask = torch.tensor([[is_wanted for text in wanted for is_wanted in text]])
    packed, mask = packed.to(policy.device), mask.to(policy.device)
    in_one_row: Tensor = policy(packed.input_ids, mask, temperature=1.0, **packed.arguments())
    return in_one_row


def microbatches(
    texts: Sequence[TokenSequence], config: TextTrainingConfig, context: RunContext
) -> Iterator[Microbatch]:
    """This process's micro-batches of a global batch, in the config's layout."""
    lengths, budget = [len(text) for text in texts], config.tokens_per_microbatch
    if config.layout == "packed":
        return context.packed_microbatches(lengths, tokens_per_microbatch=budget)
    return context.microbatches(lengths, tokens_per_microbatch=budget)


@torch.no_grad()
def mean_loss(
    policy: Any,
    texts: Sequence[TokenSequence],
    config: TextTrainingConfig,
    context: RunContext,
    *,
    pad_id: int,
) -> float:
    """Mean loss per completion token over a whole set, on every process."""
    total = torch.zeros((), dtype=torch.float64)
    for microbatch in microbatches(texts, config, context):
        with context.precision.autocast():
            logprobs = token_logprobs(policy, [texts[row] for row in microbatch.rows], config, pad_id=pad_id)
        if microbatch.counts:
            total -= logprobs.double().sum().cpu()
    return float(context.processes.sum(total)) / sum(len(text.completion_ids) for text in texts)
