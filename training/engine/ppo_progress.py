"""What a PPO run remembers from step to step besides its models: where it began, its best, its KL control."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from training.engine.algorithms.advantages import adapted_kl_coef
from training.engine.config import PpoConfig
from training.engine.modeling import trainable_state
from training.engine.optimization import Best, Learner
from training.engine.ppo_evaluation import PolicyFigures
from training.engine.rollouts import Scales


@dataclass(frozen=True)
class Progress:
    """before: the reference policy on the valid prompts. chosen: the best policy on them. scales: of the next
    step's rewards."""

    before: PolicyFigures
    chosen: PolicyFigures
    best: Best
    scales: Scales
    evaluations_over_cap: int = 0
    steps_over_cap: int = 0

    def after_step(self, figures: Mapping[str, float], config: PpoConfig) -> Progress:
        """The progress after a step whose completions had these figures."""
        kl = figures["train/kl"]
        scales = self.scales
        if config.kl_target is not None:
            kl_coef = adapted_kl_coef(
                scales.kl_coef,
                kl,
                target=config.kl_target,
                completions=config.episodes_per_step,
                horizon=config.kl_horizon,
            )
            scales = replace(scales, kl_coef=kl_coef)
        steps_over_cap = self.steps_over_cap + 1 if kl > config.kl_cap else 0
        return replace(self, scales=scales, steps_over_cap=steps_over_cap)

    def after_evaluation(
        self, figures: PolicyFigures, policy: Any, config: PpoConfig, *, step: int
    ) -> Progress:
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
            "scales": asdict(self.scales),
            "evaluations_over_cap": self.evaluations_over_cap,
            "steps_over_cap": self.steps_over_cap,
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
            scales=Scales(**state["scales"]),
            evaluations_over_cap=state["evaluations_over_cap"],
            steps_over_cap=state["steps_over_cap"],
        )
