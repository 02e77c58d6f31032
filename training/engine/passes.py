"""Forward passes over token sequences in micro-batches: log-probabilities, values, scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from training.engine.algorithms.batching import PaddedBatch, TokenSequence, collate
from training.engine.algorithms.masking import lengths_to_mask
from training.engine.context import RunContext
from training.engine.distributed import Microbatch
from training.engine.modeling import ScalarModel
from training.engine.shared_prefix import Group, enable, pack

BatchPass = Callable[[PaddedBatch], Tensor]


def completion_logprobs(policy: Any, batch: PaddedBatch, *, temperature: float) -> Tensor:
    """Log-probabilities of the completion tokens, (batch, completion time) float32, zero on padding.

    policy: a Policy, or what a Learner made of one.
    """
    batch = batch.to(policy.device)
    return spread(policy(batch.input_ids, batch.completion_mask, temperature=temperature), batch)


def completion_values(value_model: ScalarModel, batch: PaddedBatch) -> Tensor:
    """Values of the states in which the completion tokens were chosen, (batch, completion time), zero on
    padding.

    The state of token t is what comes before it, so its value is read one position earlier.
    """
    batch = batch.to(value_model.device)
    values = value_model(batch.input_ids)
    return spread(values[:, :-1][batch.completion_mask[:, 1:]], batch)


def final_scores(reward_model: ScalarModel, batch: PaddedBatch) -> Tensor:
    """Scores at the last real token, the EOS; (batch,) float32."""
    batch = batch.to(reward_model.device)
    scores = reward_model(batch.input_ids)
    return scores.gather(1, (batch.lengths - 1).unsqueeze(1)).squeeze(1)


def packed_scores(reward_model: ScalarModel, groups: Sequence[Group]) -> Tensor:
    """Scores at the end of every completion of the groups, group after group, (completions,) float32.

    One packed row in which each prompt stands once; the transformer must be `enable`d for that.
    """
    batch = pack(groups).to(reward_model.device)
    scores: Tensor = reward_model(batch.input_ids, **batch.arguments())
    return scores[0, batch.ends]


def padded_scores(reward_model: ScalarModel, groups: Sequence[Group]) -> Tensor:
    """As `packed_scores`, by one row per completion, for transformers that cannot compute packed rows."""
    rows = [TokenSequence(g.prefix_ids, completion) for g in groups for completion in g.completions]
    return final_scores(reward_model, collate(rows, pad_id=0))


@dataclass(frozen=True)
class GroupPass:
    """How prompts with their completions go through a reward model: the scores of some groups, and how many
    groups are taken at once."""

    scores: Callable[[ScalarModel, Sequence[Group]], Tensor]
    is_packed: bool

    def microbatches(
        self, groups: Sequence[Group], context: RunContext, *, tokens_per_microbatch: int
    ) -> Iterator[Microbatch]:
        """Groups up to the token budget, or each by itself where rows are padded to the longest."""
        budget = tokens_per_microbatch if self.is_packed else 0
        return context.packed_microbatches([len(group) for group in groups], tokens_per_microbatch=budget)


def group_pass(reward_model: ScalarModel, context: RunContext) -> GroupPass:
    """Packed rows if the transformer can compute them, which it is made ready for; else one row per
    completion."""
    if enable(reward_model.backbone):
        return GroupPass(packed_scores, is_packed=True)
    context.events.message(
        "this kind of transformer cannot share a prompt's computation between its completions: each "
        "completion gets a row of its own"
    )
    return GroupPass(padded_scores, is_packed=False)


@torch.no_grad()
def score_groups(
    reward_model: ScalarModel,
    groups: Sequence[Group],
    context: RunContext,
    group_pass: GroupPass,
    *,
    tokens_per_microbatch: int,
) -> list[Tensor]:
    """Scores of the completions of any number of groups, (completions,) each, in their order, on every
    process."""
    counts = [len(group.completions) for group in groups]
    scores = [torch.zeros(count) for count in counts]
    for microbatch in group_pass.microbatches(groups, context, tokens_per_microbatch=tokens_per_microbatch):
        with context.precision.autocast():
            found = group_pass.scores(reward_model, [groups[row] for row in microbatch.rows]).cpu()
        if microbatch.counts:
            parts = found.split([counts[row] for row in microbatch.rows])
            for row, own in zip(microbatch.rows, parts, strict=True):
                scores[row] = own
    return list(context.processes.sum(torch.cat(scores)).split(counts))


def spread(values: Tensor, batch: PaddedBatch) -> Tensor:
    """Values of all real completion tokens, (tokens,), row after row, to (batch, completion time), zero
    elsewhere."""
    lengths = batch.completion_lengths
    mask = lengths_to_mask(lengths, int(lengths.max()))
    return torch.zeros(mask.shape, dtype=values.dtype, device=values.device).masked_scatter(mask, values)


@torch.no_grad()
def score_all(
    reward_model: ScalarModel,
    sequences: Sequence[TokenSequence],
    context: RunContext,
    *,
    pad_id: int,
    tokens_per_microbatch: int,
) -> Tensor:
    """`final_scores` of any number of sequences, in their order; (n,), on every process."""
    scores = torch.zeros(len(sequences))
    for microbatch in context.microbatches(
        [len(s) for s in sequences], tokens_per_microbatch=tokens_per_microbatch
    ):
        batch = collate([sequences[row] for row in microbatch.rows], pad_id=pad_id)
        with context.precision.autocast():
            found = final_scores(reward_model, batch).cpu()
        if microbatch.counts:
            scores[microbatch.rows] = found
    return context.processes.sum(scores)


@torch.no_grad()
def per_token(
    batch_pass: BatchPass,
    sequences: Sequence[TokenSequence],
    context: RunContext,
    *,
    pad_id: int,
    tokens_per_microbatch: int,
) -> Tensor:
    """A per-token pass over any number of sequences, in their order; (n, longest completion), zero on
    padding, on every process."""
    result = torch.zeros(len(sequences), max(len(s.completion_ids) for s in sequences))
    for microbatch in context.microbatches(
        [len(s) for s in sequences], tokens_per_microbatch=tokens_per_microbatch
    ):
        batch = collate([sequences[row] for row in microbatch.rows], pad_id=pad_id)
        with context.precision.autocast():
            values = batch_pass(batch).cpu()
        if microbatch.counts:
            result[microbatch.rows, : values.shape[1]] = values
    return context.processes.sum(result)


def completion_mask_of(sequences: Sequence[TokenSequence]) -> Tensor:
    """(n, longest completion) bool, True on real completion tokens."""
    lengths = torch.tensor([len(s.completion_ids) for s in sequences])
    return lengths_to_mask(lengths, int(lengths.max()))
