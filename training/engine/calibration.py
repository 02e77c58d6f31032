"""A trained reward model: shifting its scores, and how well it orders rankings it has not seen."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from training.engine.algorithms.batching import TokenSequence
from training.engine.config import RewardModelConfig
from training.engine.context import RunContext
from training.engine.examples import RankingSet
from training.engine.metrics import pair_accuracy, ranking_outcome
from training.engine.modeling import ScalarModel
from training.engine.passes import score_all
from training.engine.records import Demonstration
from training.engine.tokenization import encode


def calibrate(
    model: ScalarModel, train_set: RankingSet, tokenizer: Any, config: RewardModelConfig, context: RunContext
) -> None:
    """Set score_bias so that the train demonstrations score 0 on average; without any, the ranked completions
    do."""
    sequences = [
        encode(tokenizer, d.messages, d.completion)
        for d in context.records(Demonstration)
        if d.split == "train"
    ]
    sequences = [sequence for sequence in sequences if len(sequence) <= config.max_tokens]
    if not sequences:
        context.events.message(
            "no demonstrations of split train: scores are centred on all ranked completions instead"
        )
        sequences = [sequence for ranking in train_set.rankings for sequence in ranking.sequences]
    mean = float(_scores(model, sequences, tokenizer, config, context).mean())
    with torch.no_grad():
        model.score_bias.add_(mean)


def valid_figures(
    model: ScalarModel, valid_set: RankingSet, tokenizer: Any, config: RewardModelConfig, context: RunContext
) -> dict[str, float]:
    if not valid_set.rankings:
        context.events.message("no usable rankings of split valid: the accuracy is unknown", level="warning")
        return {}
    sequences = [sequence for ranking in valid_set.rankings for sequence in ranking.sequences]
    scores = _scores(model, sequences, tokenizer, config, context)
    by_ranking = scores.split([len(ranking.sequences) for ranking in valid_set.rankings])
    accuracy = pair_accuracy(
        [
            ranking_outcome(own, ranking.places)
            for own, ranking in zip(by_ranking, valid_set.rankings, strict=True)
        ]
    )
    return {
        "valid_accuracy": accuracy.value,
        "valid_accuracy_low": accuracy.low,
        "valid_accuracy_high": accuracy.high,
        "valid_pairs": accuracy.pairs,
        "valid_rankings": accuracy.rankings,
        "valid_log_loss": accuracy.log_loss,
    }


def _scores(
    model: ScalarModel,
    sequences: list[TokenSequence],
    tokenizer: Any,
    config: RewardModelConfig,
    context: RunContext,
) -> Tensor:
    return score_all(
        model,
        sequences,
        context,
        pad_id=tokenizer.pad_token_id,
        tokens_per_microbatch=config.tokens_per_microbatch,
    )
