"""Reward models with the tokenizers they were trained with, asked about texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.engine.algorithms.batching import TokenSequence
from training.engine.context import RunContext
from training.engine.modeling import ScalarModel, load_reward_model
from training.engine.passes import GroupPass, group_pass, score_groups
from training.engine.records import Completion
from training.engine.shared_prefix import Group
from training.engine.tokenization import encode, load_tokenizer


@dataclass(frozen=True)
class Judge:
    """A reward model and its tokenizer: members of an ensemble may read the same text as different tokens."""

    reward_model: ScalarModel
    tokenizer: Any
    group_pass: GroupPass

    def read(self, completions: Sequence[Completion]) -> list[TokenSequence]:
        """The completions after their prompts as tokens, as in the reward model's own training."""
        return [encode(self.tokenizer, c.messages, c.completion) for c in completions]

    def score(
        self, sequences: Sequence[TokenSequence], context: RunContext, *, tokens_per_microbatch: int
    ) -> Tensor:
        """Scores of sequences that it has read, (sequences,), at their EOS."""
        groups = groups_of(sequences, most_tokens=tokens_per_microbatch)
        scores = score_groups(
            self.reward_model, groups, context, self.group_pass, tokens_per_microbatch=tokens_per_microbatch
        )
        return torch.cat(scores)


def load_judge(directory: Path, context: RunContext) -> Judge:
    """The judge in a directory that a reward_model run wrote."""
    model = load_reward_model(directory).requires_grad_(False).to(context.precision.device)
    return Judge(model, load_tokenizer(directory), group_pass(model, context))


def groups_of(sequences: Sequence[TokenSequence], *, most_tokens: int) -> list[Group]:
    """Neighbours with the same prompt together, in order, so that it is computed once for all of them; a
    group of more than `most_tokens` tokens is parted."""
    groups: list[Group] = []
    for sequence in sequences:
        last = groups[-1] if groups else None
        fits = last is not None and len(last) + len(sequence.completion_ids) <= most_tokens
        if last is not None and fits and last.prefix_ids == sequence.prompt_ids:
            groups[-1] = Group(last.prefix_ids, (*last.completions, sequence.completion_ids))
        else:
            groups.append(Group(sequence.prompt_ids, (sequence.completion_ids,)))
    return groups
