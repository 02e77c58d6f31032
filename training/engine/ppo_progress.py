"""What a PPO run remembers from step to step besides its models: where it began, its best, its KL alarm."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from training.engine.config import PpoConfig
from training.engine.modeling import trainable_state
from training.engine.optimization import Best, Learner
from training.engine.ppo_evaluation import PolicyFigures


@dataclass(frozen=True)
class Progress:
    """before: the reference policy on the valid prompts. chosen: the best policy on them."""

    before: PolicyFigures
    chosen: PolicyFigures
    best: Best
    score_scale: float
    evaluations_over_cap: int = 0

    def after(self, figures: PolicyFigures, policy: Any, config: PpoConfig, *, step: int) -> Progress:
        """The progress after an evaluation. A policy beyond the KL cap is never the best one."""
        if figures.kl > config.kl_cap:
            return replace(self, evaluations_over_cap=self.evaluations_over_cap + 1)
        if not figures.score > self.best.value:
            return replace(self, evaluations_over_cap=0)
        best = Best(step, figures.score, trainable_state(policy))
        return replace(self, chosen=figures, best=best, evaluations_over_cap=0)

    def metrics(self, *, steps: int) -> dict[str, float]:
        """The figures of result.json."""
        before, after = self.before.score_margin(), self.chosen.score_margin()
        return {
            "score_before": self.before.score,
            "score_before_low": self.before.score - before,
            "score_before_high": self.before.score + before,
            "score_after": self.chosen.score,
            "score_after_low": self.chosen.score - after,
            "score_after_high": self.chosen.score + after,
            "valid_prompts": self.chosen.prompts,
            "kl": self.chosen.kl,
            "length_before": self.before.length,
            "length_after": self.chosen.length,
            "eos_before": self.before.eos_rate,
            "eos_after": self.chosen.eos_rate,
            "steps": steps,
            "chosen_step": self.best.step,
        }

    def state(self, policy: Learner, value: Learner) -> dict[str, Any]:
        """What a checkpoint needs, the learners' states included."""
        return {
            "policy": policy.state(),
            "value": value.state(),
            "before": asdict(self.before),
            "chosen": asdict(self.chosen),
            "best": self.best.state(),
            "score_scale": self.score_scale,
            "evaluations_over_cap": self.evaluations_over_cap,
        }

    @staticmethod
    def restored(state: dict[str, Any], policy: Learner, value: Learner) -> Progress:
        """Put the learners back into a checkpoint's state and return its progress."""
        policy.restore(state["policy"])
        value.restore(state["value"])
        return Progress(
            before=PolicyFigures(**state["before"]),
            chosen=PolicyFigures(**state["chosen"]),
            best=Best(**state["best"]),
            score_scale=state["score_scale"],
            evaluations_over_cap=state["evaluations_over_cap"],
        )


def explanations(progress: Progress, config: PpoConfig) -> list[str]:
    """Why the run ends as it does, where that is not plain."""
    reasons = []
    if progress.evaluations_over_cap >= config.kl_patience:
        reasons.append(
            f"stopped early: the divergence from the reference was over kl_cap ({config.kl_cap:g} nats) at "
            f"{progress.evaluations_over_cap} evaluations in a row. The best policy within the cap is saved"
        )
    if progress.best.step == 0:
        reasons.append(
            "no step scored higher on valid prompts within kl_cap: "
            "the saved policy equals the one it started from"
        )
    return reasons
