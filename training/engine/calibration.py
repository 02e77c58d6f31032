"""A trained reward model: shifting its scores, and how well it orders rankings it has not seen."""

from __future__ import annotations

from typing import Any

import torch

from training.engine.config import RewardModelConfig
from training.engine.context import RunContext
from training.engine.examples import RankingSet, encoded_demonstrations
from training.engine.metrics import ScoredRanking, reward_model_figures
from training.engine.modeling import ScalarModel
from training.engine.passes import GroupPass, score_groups
from training.engine.shared_prefix import Group


def calibrate(
    model: ScalarModel,
    group_pass: GroupPass,
    train_set: RankingSet,
    tokenizer: Any,
    config: RewardModelConfig,
    context: RunContext,
) -> None:
    """Set score_bias so that the train demonstrations score 0 on average; without any, the ranked completions
    do."""
    demonstrations, _ = encoded_demonstrations(
        context, tokenizer, split="train", max_tokens=config.max_tokens
    )
    groups = [Group(d.prompt_ids, (d.completion_ids,)) for d in demonstrations]
    if not groups:
        context.events.message(
            "no demonstrations of split train: scores are centred on all ranked completions instead"
        )
        groups = [ranking.group for ranking in train_set.rankings]
    scores = score_groups(
        model, groups, context, group_pass, tokens_per_microbatch=config.tokens_per_microbatch
    )
    with torch.no_grad():
        model.score_bias.add_(float(torch.cat(scores).double().mean()))


def held_out_figures(
    model: ScalarModel,
    group_pass: GroupPass,
    ranking_set: RankingSet,
    config: RewardModelConfig,
    context: RunContext,
    *,
    name: str,
) -> dict[str, float]:
    """`reward_model_figures` on rankings that nothing was learnt from; none without any."""
    if not ranking_set.rankings:
        return {}
    scores = score_groups(
        model,
        [ranking.group for ranking in ranking_set.rankings],
        context,
        group_pass,
        tokens_per_microbatch=config.tokens_per_microbatch,
    )
    return reward_model_figures(
        [
            ScoredRanking(own, ranking.places, ranking.lengths)
            for own, ranking in zip(scores, ranking_set.rankings, strict=True)
        ],
        name,
    )
