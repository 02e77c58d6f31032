"""What ends a PPO run before its last step: each alarm is one sentence that says why and what to do."""

from __future__ import annotations

import math
from collections.abc import Mapping

from training.engine.config import PpoConfig
from training.engine.ppo_evaluation import PolicyFigures
from training.engine.ppo_progress import Progress

ADVICE = "Lower policy_learning_rate or raise kl_coef"


def alarm_of(figures: Mapping[str, float], progress: Progress, config: PpoConfig) -> str | None:
    """The sentence of the first alarm that a step and the evaluation after it raise."""
    return alarm_of_step(figures, progress.before, config) or alarm_of_divergence(progress, config)


def alarm_of_step(figures: Mapping[str, float], before: PolicyFigures, config: PpoConfig) -> str | None:
    """The alarm that the figures of one step raise, if any. before: the reference policy's figures.

    The divergence is not among them: one batch says little about it, so it takes several in a row.
    """
    broken = sorted(name for name, value in figures.items() if not math.isfinite(value))
    if broken:
        return f"not a finite number: {', '.join(broken)}. {ADVICE}"
    ratio = figures["policy/ratio_max"]
    if config.ratio_cap is not None and ratio > config.ratio_cap:
        return (
            f"a token became {ratio:.3g} times likelier in one step, over ratio_cap ({config.ratio_cap:g}). "
            f"{ADVICE}"
        )
    surprise = figures["train/surprise"]
    if config.entropy_floor is not None and surprise < config.entropy_floor * before.surprise:
        return (
            f"the policy's entropy fell to {surprise:.3g} nats per token, under entropy_floor "
            f"({config.entropy_floor:g}) times the reference policy's {before.surprise:.3g}. {ADVICE}"
        )
    length = figures["train/length"]
    if config.length_drift is not None and not (
        before.length / config.length_drift <= length <= before.length * config.length_drift
    ):
        return (
            f"completions went from {before.length:.3g} to {length:.3g} tokens, by more than length_drift "
            f"({config.length_drift:g} times): the scores pay for length. Look at the texts and the rankings"
        )
    return None


def alarm_of_divergence(progress: Progress, config: PpoConfig) -> str | None:
    """The alarm of a divergence that stays over kl_cap, at evaluations or in the steps' own completions."""
    if progress.evaluations_over_cap >= config.kl_patience:
        where = f"at {progress.evaluations_over_cap} evaluations"
    elif progress.steps_over_cap >= config.kl_step_patience:
        where = f"in the completions of {progress.steps_over_cap} steps"
    else:
        return None
    return (
        f"the divergence from the reference was over kl_cap ({config.kl_cap:g} nats) {where} in a "
        f"row. {ADVICE}"
    )


def explanations(progress: Progress, alarm: str | None, *, step: int) -> list[str]:
    """Why the run ends as it does, where that is not plain."""
    reasons = []
    if alarm:
        reasons.append(f"stopped early, after step {step}: {alarm}. The best policy within kl_cap is saved")
    if progress.best.step == 0:
        reasons.append(
            "no step scored higher on valid prompts within kl_cap: "
            "the saved policy equals the one it started from"
        )
    return reasons
