"""The update of PPO: policy and value model over the minibatches of one rollout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from training.engine.algorithms.batching import PaddedBatch, collate, shuffled
from training.engine.algorithms.losses import PolicyLoss, clipped_policy_loss, clipped_value_loss
from training.engine.algorithms.masking import lengths_to_mask, masked_variance
from training.engine.algorithms.rollout import Rollout
from training.engine.config import PpoConfig
from training.engine.context import RunContext
from training.engine.distributed import Processes
from training.engine.optimization import Learner
from training.engine.passes import completion_logprobs, completion_values


@dataclass
class Totals:
    """Sums over the real tokens of all minibatches of a step. `tokens` counts all of them, the sums are this
    process's own until they are combined."""

    tokens: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    ratio_max: float = 0.0
    policy_norms: list[float] = field(default_factory=list)
    value_norms: list[float] = field(default_factory=list)

    def add(self, name: str, value: Tensor) -> None:
        self.sums[name] = self.sums.get(name, 0.0) + float(value)

    def combine(self, processes: Processes) -> None:
        """Make them those of all processes, where each has added its own micro-batches."""
        found = processes.sum(torch.tensor(list(self.sums.values()), dtype=torch.float64))
        self.sums = dict(zip(self.sums, found.tolist(), strict=True))
        self.ratio_max = max(processes.gather([self.ratio_max]))


def update(
    policy: Learner,
    value: Learner,
    rollout: Rollout,
    config: PpoConfig,
    context: RunContext,
    *,
    step: int,
    learning_rate_factor: float,
    pad_id: int,
) -> dict[str, float]:
    """Step both models once per minibatch, `inner_epochs` times over the rollout; returns the step's
    figures."""
    totals = Totals()
    for inner_epoch in range(config.inner_epochs):
        order = shuffled(
            len(rollout.sequences), seed=config.seed + 1, epoch=step * config.inner_epochs + inner_epoch
        )
        for minibatch in split_evenly(order, config.minibatches):
            accumulate_gradients(
                policy,
                value,
                rollout,
                minibatch,
                config,
                context,
                totals=totals,
                pad_id=pad_id,
            )
            totals.policy_norms.append(policy.step(learning_rate_factor=learning_rate_factor))
            totals.value_norms.append(value.step(learning_rate_factor=learning_rate_factor))
    totals.combine(context.processes)
    mask = rollout.completion_mask
    unexplained = masked_variance(rollout.returns - rollout.values, mask) / masked_variance(
        rollout.returns, mask
    ).clamp(min=1e-8)
    return {
        "policy/loss": totals.sums["policy_loss"] / totals.tokens,
        "policy/clip_fraction": totals.sums["clipped"] / totals.tokens,
        "policy/approx_kl": totals.sums["approx_kl"] / totals.tokens,
        "policy/ratio_max": totals.ratio_max,
        "policy/grad_norm": sum(totals.policy_norms) / len(totals.policy_norms),
        "value/loss": totals.sums["value_loss"] / totals.tokens,
        "value/grad_norm": sum(totals.value_norms) / len(totals.value_norms),
        "value/explained_variance": float(1 - unexplained),
    }


def accumulate_gradients(
    policy: Learner,
    value: Learner,
    rollout: Rollout,
    minibatch: Sequence[int],
    config: PpoConfig,
    context: RunContext,
    *,
    totals: Totals,
    pad_id: int,
) -> None:
    """Add the gradients of a minibatch to both models.

    Each loss is divided by the real tokens of the whole minibatch, so that micro-batches change nothing.
    """
    sequences = [rollout.sequences[row] for row in minibatch]
    tokens = sum(len(sequence.completion_ids) for sequence in sequences)
    totals.tokens += tokens
    for microbatch in context.microbatches(
        [len(s) for s in sequences], tokens_per_microbatch=config.tokens_per_microbatch
    ):
        rows = [minibatch[place] for place in microbatch.rows]
        batch = collate([rollout.sequences[row] for row in rows], pad_id=pad_id)
        mask = lengths_to_mask(batch.completion_lengths, int(batch.completion_lengths.max()))
        of_policy = _policy_loss(policy, rollout, rows, batch, mask, config, context)
        of_value = _value_loss(value, rollout, rows, batch, mask, config, context)
        policy.backward(of_policy.loss_sum / tokens, microbatch)
        value.backward(of_value / tokens, microbatch)
        if microbatch.counts:
            totals.add("policy_loss", of_policy.loss_sum.detach())
            totals.add("clipped", of_policy.clipped)
            totals.add("approx_kl", of_policy.approx_kl)
            totals.add("value_loss", of_value.detach())
            totals.ratio_max = max(totals.ratio_max, float(of_policy.ratio_max))


def _policy_loss(
    policy: Learner,
    rollout: Rollout,
    rows: list[int],
    batch: PaddedBatch,
    mask: Tensor,
    config: PpoConfig,
    context: RunContext,
) -> PolicyLoss:
    time = mask.shape[1]
    with context.precision.autocast():
        logprobs = completion_logprobs(policy.model, batch, temperature=config.temperature).cpu()
    return clipped_policy_loss(
        logprobs,
        rollout.logprobs[rows, :time],
        rollout.advantages[rows, :time],
        mask,
        clip_range=config.clip_range,
    )


def _value_loss(
    value: Learner,
    rollout: Rollout,
    rows: list[int],
    batch: PaddedBatch,
    mask: Tensor,
    config: PpoConfig,
    context: RunContext,
) -> Tensor:
    time = mask.shape[1]
    with context.precision.autocast():
        values = completion_values(value.model, batch).cpu()
    return clipped_value_loss(
        values,
        rollout.values[rows, :time],
        rollout.returns[rows, :time],
        mask,
        value_clip_range=config.value_clip_range,
    )


def split_evenly(rows: Sequence[int], parts: int) -> list[list[int]]:
    """Cut rows into `parts` runs whose sizes differ by at most one; fewer when there are fewer rows."""
    parts = min(parts, len(rows))
    bounds = [len(rows) * part // parts for part in range(parts + 1)]
    return [list(rows[low:high]) for low, high in pairwise(bounds)]
