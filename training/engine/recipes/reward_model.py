"""The reward model (Ouyang et al. 2022, 3.5 and C.2): all non-tied pairs of a ranking, one forward pass per
completion, the prompt's computed once for all of them.

An ensemble is several runs that differ in their seed; a score run takes their directories.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from training.engine.adapters import prepare_training
from training.engine.algorithms.batching import shuffled
from training.engine.algorithms.losses import ranking_loss, ranking_weights
from training.engine.algorithms.schedules import cosine_factor, warmup_factor
from training.engine.calibration import calibrate, held_out_figures
from training.engine.config import RewardModelConfig
from training.engine.context import RunContext
from training.engine.errors import StopRequested
from training.engine.examples import EncodedRanking, ranking_sets
from training.engine.metrics import chosen_minus_rejected, is_right
from training.engine.modeling import new_reward_model, save_reward_model
from training.engine.optimization import Learner
from training.engine.passes import GroupPass, group_pass
from training.engine.records import Ranking
from training.engine.sharding import whole
from training.engine.tokenization import load_tokenizer


def train(config: RewardModelConfig, context: RunContext) -> None:
    # 1. Rankings to tokens.
    context.required_records(Ranking, split="train")
    tokenizer = load_tokenizer(Path(config.policy))
    train_set, valid_set, held_out_set = ranking_sets(config, context, tokenizer)

    # 2. The first layers of the policy with a scalar head, or what an earlier attempt made of them.
    model = new_reward_model(Path(config.policy), layers=config.layers, seed=config.seed)
    model = model.to(context.precision.device)
    model.score_bias.requires_grad_(False)  # the loss knows differences only; step 4 sets it
    model.backbone.get_input_embeddings().requires_grad_(not config.freeze_embeddings)
    way = group_pass(model, context)
    prepare_training(model.backbone, config)
    learner = Learner(
        model,
        learning_rate=config.learning_rate,
        max_grad_norm=config.max_grad_norm,
        processes=context.processes,
    )
    checkpoint = context.resume()
    start = 0
    if checkpoint:
        learner.restore(checkpoint.state["learner"])
        start = checkpoint.step
    rankings = train_set.rankings
    steps_per_epoch = math.ceil(len(rankings) / config.batch_size)
    total = config.epochs * steps_per_epoch

    # 3. One step a batch of rankings.
    for step in range(start, total):
        epoch, position = divmod(step, steps_per_epoch)
        order = shuffled(len(rankings), seed=config.seed, epoch=epoch)
        batch = [
            rankings[i] for i in order[position * config.batch_size : (position + 1) * config.batch_size]
        ]
        try:
            loss, accuracy = accumulate_loss(learner, way, batch, config, context)
        except StopRequested:
            context.checkpoint(step, {"learner": learner.state()}, keep=config.keep_checkpoints)
            raise
        factor = warmup_factor(step, warmup_steps=config.warmup_steps)
        factor *= cosine_factor(step, total_steps=total, floor=0.1)
        grad_norm = learner.step(learning_rate_factor=factor)
        done = step + 1
        context.events.metrics(
            done,
            {
                "train/loss": loss,
                "train/accuracy": accuracy,
                "grad_norm": grad_norm,
                "learning_rate": config.learning_rate * factor,
            },
        )
        context.events.progress(done, total, "steps")
        if done % config.checkpoint_every == 0 and done < total:
            context.checkpoint(done, {"learner": learner.state()}, keep=config.keep_checkpoints)

    # 4. Shift the scores so that demonstrations score 0 on average (Ouyang 2022, C.2): the loss leaves them
    # free.
    calibrate(model, way, train_set, tokenizer, config, context)

    # 5. How well it orders rankings it has not seen.
    metrics: dict[str, Any] = {
        "steps": total,
        "rankings": len(rankings),
        "too_long": train_set.too_long + valid_set.too_long + held_out_set.too_long,
        "all_tied": train_set.all_tied + valid_set.all_tied + held_out_set.all_tied,
        "score_bias": whole(model.score_bias).item(),
    }
    metrics |= held_out_figures(model, way, valid_set, config, context, name="valid")
    metrics |= held_out_figures(model, way, held_out_set, config, context, name="held_out")

    # 6. Save it.
    save_reward_model(model, tokenizer, context.directory / "model", context.processes)
    context.finish("reward_model", metrics=metrics, model="model", step=total)


def accumulate_loss(
    learner: Learner,
    way: GroupPass,
    batch: Sequence[EncodedRanking],
    config: RewardModelConfig,
    context: RunContext,
) -> tuple[float, float]:
    """Add the gradient of the batch's mean ranking loss to the parameters; returns the loss and the share of
    pairs that were ordered right before the step."""
    weights = ranking_weights([ranking.places for ranking in batch], pair_norm=config.pair_norm)
    sums = torch.zeros(3, dtype=torch.float64)  # loss, right pairs, pairs
    for microbatch in way.microbatches(
        [ranking.group for ranking in batch], context, tokens_per_microbatch=config.tokens_per_microbatch
    ):
        rankings = [batch[row] for row in microbatch.rows]
        with context.precision.autocast():
            scores = way.scores(learner.model, [ranking.group for ranking in rankings])
        own = scores.cpu().split([len(ranking.places) for ranking in rankings])
        losses = [
            weights[row] * ranking_loss(scores, batch[row].places)
            for row, scores in zip(microbatch.rows, own, strict=True)
        ]
        loss = torch.stack(losses).sum()
        learner.backward(loss, microbatch)
        if microbatch.counts:
            margins = [
                chosen_minus_rejected(scores.detach(), ranking.places)
                for scores, ranking in zip(own, rankings, strict=True)
            ]
            right = is_right(torch.cat(margins))
            sums += torch.tensor([loss.item(), right.sum(), len(right)], dtype=torch.float64)
    loss_sum, right_sum, pair_count = context.processes.sum(sums).tolist()
    return loss_sum, right_sum / pair_count
