"""Records of a snapshot as tokens. What is too long is left out and told, never cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from training.engine.algorithms.batching import TokenSequence
from training.engine.config import RewardModelConfig
from training.engine.context import RunContext
from training.engine.errors import DataError
from training.engine.records import AnnotatorGroup, Demonstration, Ranking
from training.engine.shared_prefix import Group
from training.engine.tokenization import encode, encode_completion, encode_prompt


@dataclass(frozen=True)
class EncodedRanking:
    """The prompt of a ranking with its K completions as tokens, and their places (K,)."""

    group: Group
    places: Tensor

    @property
    def lengths(self) -> Tensor:
        """(K,) completion tokens, EOS included."""
        return torch.tensor([len(completion) for completion in self.group.completions])


@dataclass(frozen=True)
class RankingSet:
    """Rankings that can be used, and how many cannot and why."""

    rankings: list[EncodedRanking]
    too_long: int
    all_tied: int


def encoded_demonstrations(
    context: RunContext, tokenizer: Any, *, split: str, max_tokens: int
) -> tuple[list[TokenSequence], int]:
    """The demonstrations of a split as tokens, and how many were too long; those are told, never cut."""
    sequences = [
        encode(tokenizer, demonstration.messages, demonstration.completion)
        for demonstration in context.records(Demonstration)
        if demonstration.split == split
    ]
    fitting = [sequence for sequence in sequences if len(sequence) <= max_tokens]
    left_out = len(sequences) - len(fitting)
    if left_out:
        context.events.message(
            f"{left_out} {split} demonstrations are longer than max_tokens and are left out"
        )
    return fitting, left_out


def encoded_rankings(
    context: RunContext, tokenizer: Any, *, split: str, annotator_group: AnnotatorGroup, max_tokens: int
) -> RankingSet:
    """Rankings of a split by a group of annotators, as tokens. Too long ones are dropped, never cut; ties
    everywhere give no pair."""
    usable, too_long, all_tied = [], 0, 0
    for ranking in context.records(Ranking):
        if (ranking.split, ranking.annotator_group) != (split, annotator_group):
            continue
        prompt_ids = encode_prompt(tokenizer, ranking.messages)
        completions = tuple(encode_completion(tokenizer, completion) for completion in ranking.completions)
        if len(set(ranking.places)) == 1:
            all_tied += 1
        elif len(prompt_ids) + max(len(completion) for completion in completions) > max_tokens:
            too_long += 1
        else:
            usable.append(EncodedRanking(Group(prompt_ids, completions), torch.tensor(ranking.places)))
    if too_long or all_tied:
        whose = " by held-out annotators" if annotator_group == "held_out" else ""
        context.events.message(
            f"{split} rankings{whose} left out: {too_long} longer than max_tokens, {all_tied} with ties only"
        )
    return RankingSet(usable, too_long, all_tied)


def ranking_sets(
    config: RewardModelConfig, context: RunContext, tokenizer: Any
) -> tuple[RankingSet, RankingSet, RankingSet]:
    """What is learnt from; prompts held out; prompts held out that held-out annotators ranked (Ouyang 2022,
    E.2)."""

    def usable(split: str, annotator_group: AnnotatorGroup) -> RankingSet:
        return encoded_rankings(
            context, tokenizer, split=split, annotator_group=annotator_group, max_tokens=config.max_tokens
        )

    train_set, valid_set, held_out_set = (
        usable("train", "training"),
        usable("valid", "training"),
        usable("valid", "held_out"),
    )
    if not train_set.rankings:
        raise DataError(
            "every ranking of split train is too long, has only ties or is by a held-out annotator: there is "
            "nothing to learn from"
        )
    if not valid_set.rankings:
        context.events.message("no usable rankings of split valid: the accuracy is unknown", level="warning")
    return train_set, valid_set, held_out_set
