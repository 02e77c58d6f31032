"""Supervised fine-tuning (Ouyang et al. 2022, C.1 and C.3): next-token loss on the completion and its EOS,
never on the prompt.

Left out here: dropout, which would make the policy another one at each look.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from training.engine.adapters import prepare_training
from training.engine.algorithms.batching import TokenSequence
from training.engine.algorithms.schedules import cosine_factor, warmup_factor
from training.engine.config import PretrainConfig, SftConfig
from training.engine.config_sft import TextTrainingConfig
from training.engine.context import RunContext
from training.engine.errors import StopRequested
from training.engine.modeling import freeze_all_but_top, load_policy, load_trainable_state, save_policy
from training.engine.optimization import Best, Learner
from training.engine.text_passes import microbatches, prepare_layout, token_logprobs
from training.engine.tokenization import load_tokenizer
from training.engine.training_texts import TrainingTexts, demonstrations, token_count
from training.engine.validation import Validation


def train(config: SftConfig, context: RunContext) -> None:
    tokenizer = load_tokenizer(Path(config.policy))
    texts = demonstrations(config, context, tokenizer)
    if not texts.valid and config.select_by == "valid_loss":
        context.events.message(
            "no demonstrations of split valid: the last step is saved, not the best", level="warning"
        )
    learn(config, context, tokenizer, texts)


def learn(
    config: SftConfig | PretrainConfig, context: RunContext, tokenizer: Any, texts: TrainingTexts
) -> None:
    """Raise the probability of texts, and save the model that a validation finds best."""
    # 1. The model and its optimizer, or what an earlier attempt made of them.
    policy = load_policy(Path(config.policy)).to(context.precision.device)
    freeze_all_but_top(policy, config.trainable_layers)
    prepare_training(policy.language_model, config)
    prepare_layout(policy, config)
    validation = Validation(policy, texts.valid, config, context, tokenizer)  # copies it, still whole
    learner = Learner(
        policy,
        learning_rate=config.learning_rate,
        max_grad_norm=config.max_grad_norm,
        processes=context.processes,
    )
    checkpoint = context.resume()
    start, best = 0, None
    if checkpoint:
        start = checkpoint.step
        learner.restore(checkpoint.state["learner"])
        best = Best(**checkpoint.state["best"]) if checkpoint.state["best"] else None

    def save(step: int) -> None:
        state = {"learner": learner.state(), "best": best.state() if best else None}
        context.checkpoint(step, state, keep=config.keep_checkpoints)

    for step in range(start, texts.steps):
        # 2. Gradients of the mean over all of a step's completion tokens, however they are cut.
        batch = texts.batch(step)
        try:
            loss = accumulate_loss(learner, batch, config, context, pad_id=tokenizer.pad_token_id)
        except StopRequested:
            save(step)  # nothing has been stepped yet: the state is still that after `step` steps
            raise

        # 3. One step of Adam.
        factor = warmup_factor(step, warmup_steps=config.warmup_steps)
        factor *= cosine_factor(step, total_steps=texts.steps, floor=0.1)
        grad_norm = learner.step(learning_rate_factor=factor)
        done = step + 1
        rate = config.learning_rate * factor
        context.events.metrics(done, {"train/loss": loss, "grad_norm": grad_norm, "learning_rate": rate})
        context.events.progress(done, texts.steps, "steps")

        # 4. The model saved is the one that does best on valid texts.
        if validation.is_possible and (done % config.eval_every == 0 or done == texts.steps):
            best = validation.better_of(best, step=done)
        if done % config.checkpoint_every == 0 and done < texts.steps:
            save(done)

    # 5. Save it.
    if best:
        load_trainable_state(policy, best.weights)
    metrics = {"steps": texts.steps, **texts.figures} | ({validation.name: best.value} if best else {})
    save_policy(policy, tokenizer, context.directory / "model", context.processes)
    context.finish(config.kind, metrics=metrics, model="model", step=best.step if best else texts.steps)


def accumulate_loss(
    learner: Learner,
    batch: list[TokenSequence],
    config: TextTrainingConfig,
    context: RunContext,
    *,
    pad_id: int,
) -> float:
    """Add the gradient of the batch's mean token loss to the parameters; returns that loss.

    Divided by the tokens of the whole batch, so that the result does not depend on the micro-batches.
    """
    tokens = token_count(batch)
    total = torch.zeros((), dtype=torch.float64)
    for microbatch in microbatches(batch, config, context):
        own = [batch[row] for row in microbatch.rows]
        with context.precision.autocast():
            loss = -token_logprobs(learner.model, own, config, pad_id=pad_id).sum() / tokens
        learner.backward(loss, microbatch)
        if microbatch.counts:
            total += loss.detach().cpu()
    return float(context.processes.sum(total))
