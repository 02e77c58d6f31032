"""The update of PPO: policy and value model over the minibatches of one rollout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from torch import Tensor

from training.engine.algorithms.batching import PaddedBatch, collate, microbatches, shuffled
from training.engine.algorithms.losses import clipped_policy_loss, clipped_value_loss
from training.engine.algorithms.masking import lengths_to_mask, masked_variance
from training.engine.algorithms.rollout import Rollout
from training.engine.config import PpoConfig
from training.engine.optimization import Learner
from training.engine.passes import completion_logprobs, completion_values
from training.engine.precision import Precision


@dataclass
class Totals:
    """Sums over the real tokens of all minibatches of a step."""

    tokens: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    ratio_max: float = 0.0
    policy_norms: list[float] = field(default_factory=list)
    value_norms: list[float] = field(default_factory=list)

    def add(self, name: str, value: Tensor) -> None:
        self.sums[name] = self.sums.get(name, 0.0) + float(value)


def update(
    policy: Learner,
    value: Learner,
    rollout: Rollout,
    config: PpoConfig,
    precision: Precision,
    *,
    step: int,
    learning_rate_factor: float,
    pad_id: int,
    check_stop: Callable[[], None] = lambda: None,
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
                precision,
                totals=totals,
                pad_id=pad_id,
                check_stop=check_stop,
            )
            totals.policy_norms.append(policy.step(learning_rate_factor=learning_rate_factor))
            totals.value_norms.append(value.step(learning_rate_factor=learning_rate_factor))
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
    precision: Precision,
    *,
    totals: Totals,
    pad_id: int,
    check_stop: Callable[[], None] = lambda: None,
) -> None:
    """Add the gradients of a minibatch to both models.

    Each loss is divided by the real tokens of the whole minibatch, so that micro-batches change nothing.
    """
    sequences = [rollout.sequences[row] for row in minibatch]
    tokens = sum(len(sequence.completion_ids) for sequence in sequences)
    totals.tokens += tokens
    for places in microbatches(
        [len(s) for s in sequences], tokens_per_microbatch=config.tokens_per_microbatch
    ):
        check_stop()
        rows = [minibatch[place] for place in places]
        batch = collate([sequences[place] for place in places], pad_id=pad_id)
        mask = lengths_to_mask(batch.completion_lengths, int(batch.completion_lengths.max()))
        _accumulate_policy(policy, rollout, rows, batch, mask, config, precision, tokens, totals)
        _accumulate_value(value, rollout, rows, batch, mask, config, precision, tokens, totals)


def _accumulate_policy(
    policy: Learner,
    rollout: Rollout,
    rows: list[int],
    batch: PaddedBatch,
    mask: Tensor,
    config: PpoConfig,
    precision: Precision,
    tokens: int,
    totals: Totals,
) -> None:
    time = mask.shape[1]
    with precision.autocast():
        logprobs = completion_logprobs(policy.model, batch, temperature=config.temperature).cpu()
    loss = clipped_policy_loss(
        logprobs,
        rollout.logprobs[rows, :time],
        rollout.advantages[rows, :time],
        mask,
        clip_range=config.clip_range,
    )
    (loss.loss_sum / tokens).backward()
    totals.add("policy_loss", loss.loss_sum.detach())
    totals.add("clipped", loss.clipped)
    totals.add("approx_kl", loss.approx_kl)
    totals.ratio_max = max(totals.ratio_max, float(loss.ratio_max))


def _accumulate_value(
    value: Learner,
    rollout: Rollout,
    rows: list[int],
    batch: PaddedBatch,
    mask: Tensor,
    config: PpoConfig,
    precision: Precision,
    tokens: int,
    totals: Totals,
) -> None:
    time = mask.shape[1]
    with precision.autocast():
        values = completion_values(value.model, batch).cpu()
    loss_sum = clipped_value_loss(
        values,
        rollout.values[rows, :time],
        rollout.returns[rows, :time],
        mask,
        value_clip_range=config.value_clip_range,
    )
    (loss_sum / tokens).backward()
    totals.add("value_loss", loss_sum.detach())


def split_evenly(rows: Sequence[int], parts: int) -> list[list[int]]:
    """Cut rows into `parts` runs whose sizes differ by at most one; fewer when there are fewer rows."""
    parts = min(parts, len(rows))
    bounds = [len(rows) * part // parts for part in range(parts + 1)]
    return [list(rows[low:high]) for low, high in pairwise(bounds)]
