"""The update of PPO: policy and value model over the minibatches of one rollout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from training.engine.algorithms.batching import PaddedBatch, collate, shuffled
from training.engine.algorithms.losses import clipped_policy_loss, clipped_value_loss
from training.engine.algorithms.masking import lengths_to_mask, masked_variance
from training.engine.algorithms.rollout import Rollout
from training.engine.algorithms.schedules import warmup_factor
from training.engine.config import PpoConfig
from training.engine.context import RunContext
from training.engine.corpus import TextStream
from training.engine.distributed import Microbatch, Processes
from training.engine.optimization import Learner
from training.engine.passes import completion_logprobs, completion_values
from training.engine.pretraining_mix import add_pretraining_gradients, pieces


@dataclass
class Totals:
    """Sums over the real tokens of all minibatches of a step. `tokens` counts all of them, the sums are this
    process's own until they are combined."""

    policy_tokens: int = 0
    value_tokens: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    ratio_max: float = 1.0
    norms: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: Tensor) -> None:
        self.sums[name] = self.sums.get(name, 0.0) + float(value)

    def add_norm(self, name: str, norm: float) -> None:
        self.norms.setdefault(name, []).append(norm)

    def combine(self, processes: Processes) -> None:
        """Make them those of all processes, where each has added its own micro-batches."""
        found = processes.sum(torch.tensor(list(self.sums.values()), dtype=torch.float64))
        self.sums = dict(zip(self.sums, found.tolist(), strict=True))
        self.ratio_max = max(processes.gather([self.ratio_max]))

    def figures(self) -> dict[str, float]:
        """Means per token, and means of the gradients' norms over the minibatches."""
        tokens = {"policy": self.policy_tokens, "value": self.value_tokens}
        means = {name: total / tokens[name.partition("/")[0]] for name, total in self.sums.items()}
        return means | {name: sum(norms) / len(norms) for name, norms in self.norms.items()}


def update(
    policy: Learner,
    value: Learner,
    rollout: Rollout,
    corpus: TextStream | None,
    config: PpoConfig,
    context: RunContext,
    *,
    step: int,
    pad_id: int,
) -> dict[str, float]:
    """Step both models once per minibatch, `inner_epochs` times over the rollout; returns the step's
    figures. In the first `value_warmup_steps` steps the value model learns alone."""
    totals = Totals()
    policy_step = step - config.value_warmup_steps  # counted from where the policy begins to learn
    value_factor, policy_factor = (
        warmup_factor(own_step, warmup_steps=config.warmup_steps, start=config.warmup_start)
        for own_step in (step, policy_step)
    )
    for seen, minibatch in minibatches_of_step(len(rollout.sequences), config, step=step):
        if policy_step >= 0:
            accumulate_policy_gradients(
                policy, rollout, minibatch, config, context, totals=totals, pad_id=pad_id
            )
            if corpus is not None:
                texts = pieces(corpus, config, seen=seen, episodes=len(minibatch))
                norms = add_pretraining_gradients(policy, texts, config, context, pad_id=pad_id)
                for name, norm in norms.items():
                    totals.add_norm(name, norm)
            totals.add_norm("policy/grad_norm", policy.step(learning_rate_factor=policy_factor))
        accumulate_value_gradients(value, rollout, minibatch, config, context, totals=totals, pad_id=pad_id)
        totals.add_norm("value/grad_norm", value.step(learning_rate_factor=value_factor))
    totals.combine(context.processes)
    return totals.figures() | {
        "policy/ratio_max": totals.ratio_max,
        "value/explained_variance": explained_variance(rollout),
    }


def minibatches_of_step(episodes: int, config: PpoConfig, *, step: int) -> Iterator[tuple[int, list[int]]]:
    """For each minibatch, the episodes that the run has learned from before it, and its own rows.

    Every inner epoch has an order of its own (Huang et al. 2024), a function of seed and step.
    """
    for epoch in range(step * config.inner_epochs, (step + 1) * config.inner_epochs):
        seen = epoch * episodes
        order = shuffled(episodes, seed=config.seed + 1, epoch=epoch)
        for minibatch in split_evenly(order, config.minibatches):
            yield seen, minibatch
            seen += len(minibatch)


def accumulate_policy_gradients(
    policy: Learner,
    rollout: Rollout,
    minibatch: Sequence[int],
    config: PpoConfig,
    context: RunContext,
    *,
    totals: Totals,
    pad_id: int,
) -> None:
    """Add the gradient of a minibatch's policy loss, divided by the real tokens of the whole minibatch, so
    that micro-batches change nothing."""
    tokens = real_tokens(rollout, minibatch)
    totals.policy_tokens += tokens
    for microbatch, rows, batch, mask in _microbatches(rollout, minibatch, config, context, pad_id=pad_id):
        time = mask.shape[1]
        with context.precision.autocast():
            logprobs = completion_logprobs(policy.model, batch, temperature=config.temperature).cpu()
        loss = clipped_policy_loss(
            logprobs,
            rollout.logprobs[rows, :time],
            rollout.advantages[rows, :time],
            mask,
            clip_range=config.clip_range,
        )
        policy.backward(loss.loss_sum / tokens, microbatch)
        if microbatch.counts:
            totals.add("policy/loss", loss.loss_sum.detach())
            totals.add("policy/clip_fraction", loss.clipped)
            totals.add("policy/approx_kl", loss.approx_kl)
            totals.ratio_max = max(totals.ratio_max, float(loss.ratio_max))


def accumulate_value_gradients(
    value: Learner,
    rollout: Rollout,
    minibatch: Sequence[int],
    config: PpoConfig,
    context: RunContext,
    *,
    totals: Totals,
    pad_id: int,
) -> None:
    """The same for the value model, after the policy's step: so both gradients are never held at once."""
    tokens = real_tokens(rollout, minibatch)
    totals.value_tokens += tokens
    for microbatch, rows, batch, mask in _microbatches(rollout, minibatch, config, context, pad_id=pad_id):
        time = mask.shape[1]
        with context.precision.autocast():
            values = completion_values(value.model, batch).cpu()
        loss_sum = clipped_value_loss(
            values,
            rollout.values[rows, :time],
            rollout.returns[rows, :time],
            mask,
            value_clip_range=config.value_clip_range,
        )
        value.backward(loss_sum / tokens, microbatch)
        if microbatch.counts:
            totals.add("value/loss", loss_sum.detach())


def real_tokens(rollout: Rollout, minibatch: Sequence[int]) -> int:
    """Completion tokens of the whole minibatch, over all micro-batches and processes."""
    return sum(len(rollout.sequences[row].completion_ids) for row in minibatch)


def explained_variance(rollout: Rollout) -> float:
    """1 - var(returns - values) / var(returns) over real tokens: 1 is perfect, 0 as good as a constant."""
    mask = rollout.completion_mask
    unexplained = masked_variance(rollout.returns - rollout.values, mask)
    return float(1 - unexplained / masked_variance(rollout.returns, mask).clamp(min=1e-8))


def split_evenly(rows: Sequence[int], parts: int) -> list[list[int]]:
    """Cut rows into `parts` runs whose sizes differ by at most one; fewer when there are fewer rows."""
    parts = min(parts, len(rows))
    bounds = [len(rows) * part // parts for part in range(parts + 1)]
    return [list(rows[low:high]) for low, high in pairwise(bounds)]


def _microbatches(
    rollout: Rollout, minibatch: Sequence[int], config: PpoConfig, context: RunContext, *, pad_id: int
) -> Iterator[tuple[Microbatch, list[int], PaddedBatch, Tensor]]:
    """This process's micro-batches of a minibatch, each with its rows of the rollout and their mask."""
    lengths = [len(rollout.sequences[row]) for row in minibatch]
    for microbatch in context.microbatches(lengths, tokens_per_microbatch=config.tokens_per_microbatch):
        rows = [minibatch[place] for place in microbatch.rows]
        batch = collate([rollout.sequences[row] for row in rows], pad_id=pad_id)
        mask = lengths_to_mask(batch.completion_lengths, int(batch.completion_lengths.max()))
        yield microbatch, rows, batch, mask
