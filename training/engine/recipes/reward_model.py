"""The reward model (Ouyang et al. 2022, 3.5 and C.2): all non-tied pairs of a ranking, one forward pass per
completion.

Left out here: sharing the prompt's computation between the completions, ensembles.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from training.engine.adapters import prepare_training
from training.engine.algorithms.batching import collate, shuffled
from training.engine.algorithms.losses import ranking_loss
from training.engine.algorithms.schedules import cosine_factor, warmup_factor
from training.engine.calibration import calibrate, valid_figures
from training.engine.config import RewardModelConfig
from training.engine.context import RunContext
from training.engine.errors import DataError, StopRequested
from training.engine.examples import EncodedRanking, encoded_rankings
from training.engine.metrics import RankingOutcome, ranking_outcome
from training.engine.modeling import new_reward_model, save_reward_model
from training.engine.optimization import Learner
from training.engine.passes import final_scores
from training.engine.records import Ranking
from training.engine.tokenization import load_tokenizer


def train(config: RewardModelConfig, context: RunContext) -> None:
    # 1. Rankings to tokens.
    context.required_records(Ranking, split="train")
    tokenizer = load_tokenizer(Path(config.policy))
    train_set = encoded_rankings(context, tokenizer, split="train", max_tokens=config.max_tokens)
    valid_set = encoded_rankings(context, tokenizer, split="valid", max_tokens=config.max_tokens)
    if not train_set.rankings:
        raise DataError(
            "every ranking of split train is too long or has only ties: there is nothing to learn from"
        )

    # 2. The first layers of the policy with a scalar head, or what an earlier attempt made of them.
    model = new_reward_model(Path(config.policy), layers=config.layers, seed=config.seed)
    model = model.to(context.precision.device)
    model.score_bias.requires_grad_(False)  # the loss knows differences only; step 4 sets it
    model.backbone.get_input_embeddings().requires_grad_(not config.freeze_embeddings)
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
            loss, outcomes = accumulate_loss(learner, batch, config, context, pad_id=tokenizer.pad_token_id)
        except StopRequested:
            context.checkpoint(step, {"learner": learner.state()}, keep=config.keep_checkpoints)
            raise
        factor = warmup_factor(step, warmup_steps=config.warmup_steps)
        factor *= cosine_factor(step, total_steps=total, floor=0.1)
        grad_norm = learner.step(learning_rate_factor=factor)
        done = step + 1
        accuracy = sum(outcome.correct for outcome in outcomes) / sum(outcome.pairs for outcome in outcomes)
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
    calibrate(model, train_set, tokenizer, config, context)

    # 5. How well it orders rankings it has not seen.
    metrics: dict[str, Any] = {
        "steps": total,
        "rankings": len(rankings),
        "too_long": train_set.too_long + valid_set.too_long,
        "all_tied": train_set.all_tied + valid_set.all_tied,
        "score_bias": model.score_bias.item(),
    }
    metrics |= valid_figures(model, valid_set, tokenizer, config, context)

    # 6. Save it.
    save_reward_model(model, tokenizer, context.directory / "model")
    context.finish("reward_model", metrics=metrics, model="model", step=total)


def accumulate_loss(
    learner: Learner,
    batch: list[EncodedRanking],
    config: RewardModelConfig,
    context: RunContext,
    *,
    pad_id: int,
) -> tuple[float, list[RankingOutcome]]:
    """Add the gradient of the batch's mean ranking loss to the parameters; returns the loss and the
    outcomes."""
    total = torch.zeros((), dtype=torch.float64)
    outcomes = []
    widths = [len(r.sequences) * max(len(s) for s in r.sequences) for r in batch]
    for microbatch in context.microbatches(widths, tokens_per_microbatch=config.tokens_per_microbatch):
        group = [batch[row] for row in microbatch.rows]
        with context.precision.autocast():
            scores = final_scores(
                learner.model, collate([s for r in group for s in r.sequences], pad_id=pad_id)
            )
        by_ranking = list(zip(scores.cpu().split([len(r.sequences) for r in group]), group, strict=True))
        losses = [ranking_loss(own, ranking.places) for own, ranking in by_ranking]
        loss = torch.stack(losses).sum() / len(batch)
        learner.backward(loss, microbatch)
        if microbatch.counts:
            total += loss.detach().cpu()
            outcomes += [ranking_outcome(own.detach(), ranking.places) for own, ranking in by_ranking]
    return float(context.processes.sum(total)), context.processes.gather(outcomes)
