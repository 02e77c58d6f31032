"""Supervised fine-tuning (Ouyang et al. 2022, C.3): next-token loss on the completion and its EOS, never on
the prompt.

Left out here: packing, and mixing in pretraining text.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import torch

from training.engine.adapters import prepare_training
from training.engine.algorithms.batching import TokenSequence, collate, shuffled
from training.engine.algorithms.schedules import cosine_factor, warmup_factor
from training.engine.config import SftConfig
from training.engine.context import RunContext
from training.engine.errors import DataError, StopRequested
from training.engine.examples import encoded_demonstrations
from training.engine.modeling import (
    freeze_all_but_top,
    load_policy,
    load_trainable_state,
    save_policy,
    trainable_state,
)
from training.engine.optimization import Best, Learner
from training.engine.passes import completion_logprobs, per_token
from training.engine.tokenization import load_tokenizer


def train(config: SftConfig, context: RunContext) -> None:
    # 1. Demonstrations to tokens.
    tokenizer = load_tokenizer(Path(config.policy))
    train_set, left_out = encoded_demonstrations(
        context, tokenizer, split="train", max_tokens=config.max_tokens
    )
    valid_set, _ = encoded_demonstrations(context, tokenizer, split="valid", max_tokens=config.max_tokens)
    if not train_set:
        raise DataError(
            f"the snapshot has no demonstrations of split train within max_tokens ({config.max_tokens}): "
            "write some, make a new snapshot and start the run again"
        )
    if not valid_set:
        context.events.message(
            "no demonstrations of split valid: the last step is saved, not the best", level="warning"
        )

    # 2. The model and its optimizer, or what an earlier attempt made of them.
    policy = load_policy(Path(config.policy)).to(context.precision.device)
    freeze_all_but_top(policy, config.trainable_layers)
    prepare_training(policy.language_model, config)
    learner = Learner(
        policy,
        learning_rate=config.learning_rate,
        max_grad_norm=config.max_grad_norm,
        processes=context.processes,
    )
    checkpoint = context.resume()
    best: Best | None = None
    start = 0
    if checkpoint:
        learner.restore(checkpoint.state["learner"])
        best = Best(**checkpoint.state["best"]) if checkpoint.state["best"] else None
        start = checkpoint.step
    steps_per_epoch = math.ceil(len(train_set) / config.batch_size)
    total = config.epochs * steps_per_epoch
    save_every = config.checkpoint_every

    def save(step: int) -> None:
        state = {"learner": learner.state(), "best": best.state() if best else None}
        context.checkpoint(step, state, keep=config.keep_checkpoints)

    # 3. One step a batch: gradients of the mean over all its completion tokens, however it is cut.
    for step in range(start, total):
        epoch, position = divmod(step, steps_per_epoch)
        order = shuffled(len(train_set), seed=config.seed, epoch=epoch)
        batch = [
            train_set[i] for i in order[position * config.batch_size : (position + 1) * config.batch_size]
        ]
        try:
            loss = accumulate_loss(learner, batch, config, context, pad_id=tokenizer.pad_token_id)
        except StopRequested:
            save(step)  # nothing has been stepped yet: the state is still that after `step` steps
            raise
        factor = _learning_rate_factor(step, total, config)
        grad_norm = learner.step(learning_rate_factor=factor)
        done = step + 1
        context.events.metrics(
            done, {"train/loss": loss, "grad_norm": grad_norm, "learning_rate": config.learning_rate * factor}
        )
        context.events.progress(done, total, "steps")

        # 4. The model saved is the one with the lowest loss on valid demonstrations.
        if valid_set and (done % config.eval_every == 0 or done == total):
            valid_loss = mean_loss(policy, valid_set, config, context, pad_id=tokenizer.pad_token_id)
            context.events.metrics(done, {"valid/loss": valid_loss})
            if best is None or valid_loss < best.value:
                best = Best(done, valid_loss, trainable_state(policy))
        if done % save_every == 0 and done < total:
            save(done)

    # 5. Save it.
    if best:
        load_trainable_state(policy, best.weights)
    metrics: dict[str, float] = {"steps": total, "demonstrations": len(train_set), "left_out": left_out}
    metrics |= {"valid_loss": best.value, "valid_demonstrations": len(valid_set)} if best else {}
    save_policy(policy, tokenizer, context.directory / "model")
    context.finish("sft", metrics=metrics, model="model", step=best.step if best else total)


def accumulate_loss(
    learner: Learner, batch: list[TokenSequence], config: SftConfig, context: RunContext, *, pad_id: int
) -> float:
    """Add the gradient of the batch's mean token loss to the parameters; returns that loss.

    Divided by the tokens of the whole batch, so that the result does not depend on the micro-batches.
    """
    tokens = sum(len(sequence.completion_ids) for sequence in batch)
    total = torch.zeros((), dtype=torch.float64)
    for microbatch in context.microbatches(
        [len(s) for s in batch], tokens_per_microbatch=config.tokens_per_microbatch
    ):
        padded = collate([batch[row] for row in microbatch.rows], pad_id=pad_id)
        with context.precision.autocast():
            loss = -completion_logprobs(learner.model, padded, temperature=1.0).sum() / tokens
        learner.backward(loss, microbatch)
        if microbatch.counts:
            total += loss.detach().cpu()
    return float(context.processes.sum(total))


def mean_loss(
    policy: Any, sequences: list[TokenSequence], config: SftConfig, context: RunContext, *, pad_id: int
) -> float:
    """Mean loss per completion token over a whole set."""
    logprobs = per_token(
        partial(completion_logprobs, policy, temperature=1.0),
        sequences,
        context,
        pad_id=pad_id,
        tokens_per_microbatch=config.tokens_per_microbatch,
    )
    return -float(logprobs.double().sum()) / sum(len(sequence.completion_ids) for sequence in sequences)


def _learning_rate_factor(step: int, total: int, config: SftConfig) -> float:
    return warmup_factor(step, warmup_steps=config.warmup_steps) * cosine_factor(
        step, total_steps=total, floor=0.1
    )
