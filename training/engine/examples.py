"""Records of a snapshot as tokens. What is too long is left out and told, never cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from training.engine.algorithms.batching import TokenSequence
from training.engine.context import RunContext
from training.engine.records import Demonstration, Ranking
from training.engine.tokenization import encode


@dataclass(frozen=True)
class EncodedRanking:
    """The K texts of a ranking as tokens, and their places (K,)."""

    sequences: tuple[TokenSequence, ...]
    places: Tensor


@dataclass(frozen=True)
class RankingSet:
    """The usable rankings of a split, and how many were not usable and why."""

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


def encoded_rankings(context: RunContext, tokenizer: Any, *, split: str, max_tokens: int) -> RankingSet:
    """Rankings of a split as tokens. Too long ones are dropped, never cut; ties everywhere give no pair."""
    usable, too_long, all_tied = [], 0, 0
    for ranking in context.records(Ranking):
        if ranking.split != split:
            continue
        sequences = tuple(
            encode(tokenizer, ranking.messages, completion) for completion in ranking.completions
        )
        if len(set(ranking.places)) == 1:
            all_tied += 1
        elif max(len(sequence) for sequence in sequences) > max_tokens:
            too_long += 1
        else:
            usable.append(EncodedRanking(sequences, torch.tensor(ranking.places)))
    if too_long or all_tied:
        context.events.message(
            f"{split} rankings left out: {too_long} longer than max_tokens, {all_tied} with ties only"
        )
    return RankingSet(usable, too_long, all_tied)
