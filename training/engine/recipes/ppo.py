"""PPO against a reward model (Ouyang et al. 2022, 3.5 and C.4; details after Huang et al. 2024).

The policy writes completions, the reward model scores them, a per-token KL penalty holds the policy near the
reference, a separate value model turns scores into advantages. Left out here: mixing in pretraining
gradients, averaged weights, an adaptive KL penalty.
"""

from __future__ import annotations

import time
from pathlib import Path

from training.engine.algorithms.schedules import warmup_factor
from training.engine.config import PpoConfig
from training.engine.context import RunContext
from training.engine.errors import StopRequested
from training.engine.modeling import (
    load_trainable_state,
    refresh,
    save_policy,
    trainable_state,
)
from training.engine.optimization import Best, Learner
from training.engine.ppo_evaluation import evaluate, rollout_metrics, score_scale
from training.engine.ppo_progress import Progress, explanations
from training.engine.ppo_setup import load_models, load_prompts, prompts_of_step
from training.engine.ppo_update import update
from training.engine.rollouts import (
    make_rollout,
    score_episodes,
    write_completions,
)
from training.engine.tokenization import load_tokenizer


def train(config: PpoConfig, context: RunContext) -> None:
    # 1. Prompts, models, optimizers.
    tokenizer = load_tokenizer(Path(config.policy))
    train_prompts, valid_prompts = load_prompts(tokenizer, config, context)
    models = load_models(config, context)
    policy = Learner(
        models.policy,
        learning_rate=config.policy_learning_rate,
        max_grad_norm=config.max_grad_norm,
        processes=context.processes,
    )
    value = Learner(
        models.value_model,
        learning_rate=config.value_learning_rate,
        max_grad_norm=config.max_grad_norm,
        processes=context.processes,
    )

    # 2. Where an earlier attempt stopped; or the reference policy's own figures, which fix the scale of
    # scores.
    checkpoint = context.resume()
    if checkpoint:
        progress = Progress.restored(checkpoint.state, policy, value)
        start = checkpoint.step
        refresh(models.sampler, models.policy)
    else:
        before = evaluate(models, valid_prompts, tokenizer, config, context, step=0)
        best = Best(0, before.score, trainable_state(models.policy))
        progress = Progress(before, before, best, score_scale=score_scale(before, config))
        models.value_model.rescale(progress.score_scale)
        start = 0

    def save(step: int) -> None:
        context.checkpoint(step, progress.state(policy, value), keep=config.keep_checkpoints)

    step = start
    while step < config.steps and progress.evaluations_over_cap < config.kl_patience:
        started = time.monotonic()
        try:
            # 3. The policy writes, the reward model scores what it wrote.
            prompts = prompts_of_step(
                train_prompts, step=step, count=config.episodes_per_step, seed=config.seed
            )
            stream = f"{config.seed}/rollout/{step}"
            episodes = write_completions(models.sampler, prompts, tokenizer, config, context, stream=stream)
            scores = score_episodes(models.reward_model, episodes, tokenizer, config, context)
            written = time.monotonic()

            # 4. Log-probabilities, rewards with the KL penalty, values, whitened advantages.
            rollout = make_rollout(
                models, episodes, scores, tokenizer, config, context, score_scale=progress.score_scale
            )
            measured = time.monotonic()
        except StopRequested:
            save(step)  # nothing has been stepped yet: the state is still that after `step` steps
            raise

        # 5. Clipped updates of the policy and of the value model, minibatch by minibatch.
        figures = update(
            policy,
            value,
            rollout,
            config,
            context,
            step=step,
            learning_rate_factor=warmup_factor(step, warmup_steps=config.warmup_steps),
            pad_id=tokenizer.pad_token_id,
        )
        refresh(models.sampler, models.policy)
        step += 1
        finished = time.monotonic()
        seconds = {
            "seconds/write": written - started,
            "seconds/measure": measured - written,
            "seconds/update": finished - measured,
        }
        context.events.metrics(step, rollout_metrics(rollout) | figures | seconds)
        context.events.progress(step, config.steps, "steps")

        # 6. On valid prompts: the best score within the KL cap is the policy that is saved.
        if step % config.eval_every == 0 or step == config.steps:
            evaluation = evaluate(models, valid_prompts, tokenizer, config, context, step=step)
            progress = progress.after(evaluation, models.policy, config, step=step)
        if step % config.checkpoint_every == 0 and step < config.steps:
            save(step)

    # 7. Save it.
    for reason in explanations(progress, config):
        context.events.message(reason, level="warning")
    load_trainable_state(models.policy, progress.best.weights)
    save_policy(models.policy, tokenizer, context.directory / "model", context.processes)
    context.finish("ppo", metrics=progress.metrics(steps=step), model="model", step=progress.best.step)
