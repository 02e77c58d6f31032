"""PPO against a reward model (Ouyang et al. 2022, 3.5 and C.4; details after Huang et al. 2024).

The policy writes completions, the reward model scores them, a per-token KL penalty holds the policy near the
reference, a separate value model turns scores into advantages. Optional: pretraining gradients (PPO-ptx),
averaged weights, an adaptive KL coefficient.
"""

from __future__ import annotations

import time
from pathlib import Path

from training.engine.averaging import AveragedWeights
from training.engine.config import PpoConfig
from training.engine.context import RunContext
from training.engine.errors import StopRequested, TrainingFailed
from training.engine.modeling import load_trainable_state, refresh, save_policy
from training.engine.optimization import Best, Learner
from training.engine.ppo_alarms import alarm_of, explanations
from training.engine.ppo_evaluation import evaluate, rollout_metrics, score_scale
from training.engine.ppo_progress import Progress
from training.engine.ppo_setup import announce, load_models, load_prompts, prompts_of_step, starting_weights
from training.engine.ppo_update import update
from training.engine.pretraining_mix import load_mix
from training.engine.rollouts import Scales, make_rollout, score_episodes, write_completions
from training.engine.tokenization import load_tokenizer


def train(config: PpoConfig, context: RunContext) -> None:
    # 1. Prompts, pretraining text, models, optimizers.
    tokenizer = load_tokenizer(Path(config.policy))
    train_prompts, valid_prompts = load_prompts(tokenizer, config, context)
    corpus = load_mix(config, context, tokenizer)
    models = load_models(config, context)
    announce(models, context)
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
    averaged = AveragedWeights(models.policy, models.sampler, decay=config.ema_decay)

    # 2. Where an earlier attempt stopped; or the reference policy's own figures, which fix the scale of
    # scores.
    checkpoint = context.resume()
    if checkpoint:
        progress = Progress.restored(checkpoint.state, policy, value)
        averaged.restore(checkpoint.state["average"])
        refresh(models.sampler, models.policy)
    else:
        before = evaluate(models, valid_prompts, tokenizer, config, context, step=0)
        best = Best(0, before.score, starting_weights(models))
        progress = Progress(before, before, best, Scales(score_scale(before, config), config.kl_coef))
        models.value_model.rescale(progress.scales.score)
    step = checkpoint.step if checkpoint else 0

    def save(step: int) -> None:
        state = progress.state(policy, value) | {"average": averaged.average}
        context.checkpoint(step, state, keep=config.keep_checkpoints)

    alarm: str | None = None
    while step < config.steps and not alarm:
        started = time.monotonic()
        try:
            try:
                # 3. The policy writes, the reward model scores what it wrote.
                prompts = prompts_of_step(train_prompts, config, step=step)
                stream = f"{config.seed}/rollout/{step}"
                episodes = write_completions(
                    models.sampler, prompts, tokenizer, config, context, stream=stream
                )
                scores = score_episodes(models.reward_model, episodes, tokenizer, config, context)
                written = time.monotonic()

                # 4. Log-probabilities, rewards with the KL penalty, values, whitened advantages.
                rollout = make_rollout(models, episodes, scores, tokenizer, progress.scales, config, context)
                measured = time.monotonic()
            except StopRequested:
                save(step)  # nothing has been stepped yet: the state is still that after `step` steps
                raise

            # 5. Clipped updates of the policy and of the value model, minibatch by minibatch.
            figures = rollout_metrics(rollout) | update(
                policy, value, rollout, corpus, config, context, step=step, pad_id=tokenizer.pad_token_id
            )
            refresh(models.sampler, models.policy)
            averaged.update()
            step += 1
            seconds = {
                "seconds/write": written - started,
                "seconds/measure": measured - written,
                "seconds/update": time.monotonic() - measured,
            }
            context.events.metrics(step, figures | {"kl_coef": progress.scales.kl_coef} | seconds)
            context.events.progress(step, config.steps, "steps")
            progress = progress.after_step(figures, config)

            # 6. On valid prompts: the best score within the KL cap is the policy that is saved.
            if step % config.eval_every == 0 or step == config.steps:
                with averaged.in_place():
                    evaluation = evaluate(models, valid_prompts, tokenizer, config, context, step=step)
                    progress = progress.after_evaluation(evaluation, models.policy, config, step=step)
            alarm = alarm_of(figures, progress, config)
        except TrainingFailed as failure:
            alarm = str(failure)
        if step % config.checkpoint_every == 0 and step < config.steps and not alarm:
            save(step)

    # 7. Save it.
    for reason in explanations(progress, alarm, step=step):
        context.events.message(reason, level="warning")
    load_trainable_state(models.policy, progress.best.weights)
    save_policy(models.policy, tokenizer, context.directory / "model", context.processes)
    context.finish(
        "ppo", metrics=progress.metrics(steps=step), model="model", step=progress.best.step, stopped=alarm
    )
