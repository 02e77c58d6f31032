"""Sets of values to start a run from: what the paper used, and what ends soon. Standard library only.

A preset says only what differs from the defaults; each value names its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PresetValue:
    """A value of one field, and where it comes from."""

    value: Any
    source: str


@dataclass(frozen=True)
class Preset:
    """Values by kind of run; a kind it says nothing of keeps its defaults."""

    name: str
    help: str
    values: Mapping[str, Mapping[str, PresetValue]]

    def config(self, kind: str) -> dict[str, Any]:
        """The fields of a config of this kind that it sets."""
        return {name: entry.value for name, entry in self.values.get(kind, {}).items()}


def _paper(where: str, **values: Any) -> dict[str, PresetValue]:
    return {name: PresetValue(value, f"Ouyang 2022, {where}") for name, value in values.items()}


def _gpt3(where: str, **values: Any) -> dict[str, PresetValue]:
    return {name: PresetValue(value, f"Brown 2020, {where}") for name, value in values.items()}


def _tiny(**values: Any) -> dict[str, PresetValue]:
    return {name: PresetValue(value, "chosen to end within a minute") for name, value in values.items()}


STARTER = Preset(
    "starter",
    "What suits a model of 135M parameters on two CPU cores.",
    {},  # the defaults themselves, each with the source its field names
)

INSTRUCTGPT = Preset(
    "instructgpt",
    "The numbers of the paper (Ouyang et al. 2022), for models of 1.3B parameters and more on GPUs.",
    {
        "sample": {
            **_paper("3.5: between 4 and 9", completions_per_prompt=9),
            **_paper("C.4", temperature=1.0),
            **_paper(
                "C.1: a prompt and a response of up to 1k each", max_new_tokens=1024, max_prompt_tokens=1024
            ),
        },
        "score": _paper("C.1: context of 2k", max_tokens=2048),
        "pretrain": {
            **_gpt3("2.1: a context of 2048", max_tokens=2048),
            **_gpt3("table 2.1: 1.3B", tokens_per_step=1_000_000, learning_rate=2e-4),
            **_gpt3("table 2.2: 0.4 to 3.4 epochs, by corpus", epochs=1),
            **_gpt3("every layer is trained", trainable_layers=None),
            **_gpt3("B: several documents in a window; there they see each other", layout="packed"),
        },
        "sft": {
            **_paper("C.1", epochs=16, batch_size=32, max_tokens=2048),
            **_paper("C.1: for 1.3B and 6B", learning_rate=9.65e-6),
            **_paper("C.1: no warm-up", warmup_steps=0),
            **_paper("C.1: every layer is trained", trainable_layers=None),
            **_paper(
                "C.1: no pretraining mix; C.3, for the start of PPO: 0.1 and 2 epochs", pretrain_mix=0.0
            ),
        },
        "reward_model": {
            **_paper("C.2", epochs=1, learning_rate=9e-6),
            **_paper("C.2: 64 prompts with all their comparisons", batch_size=64),
            **_paper("eq. 1: each ranking weighs the same", pair_norm="ranking"),
            **_paper("C.2: the whole 6B model is trained", layers=None, freeze_embeddings=False),
            **_paper("C.1: context of 2k", max_tokens=2048),
        },
        "ppo": {
            **_paper("C.4: 256k episodes in batches of 512", steps=500),
            **_paper("C.4", episodes_per_step=512, minibatches=8, inner_epochs=1, temperature=1.0),
            **_paper("C.4", kl_coef=0.02, clip_range=0.2, value_learning_rate=9e-6),
            **_paper("C.4: no discount", gamma=1.0),
            **_paper("C.4: over the first 10 iterations", warmup_steps=10),
            **_paper(
                "C.4: the largest that held without pretraining mix; the released one is not printed",
                policy_learning_rate=8.05e-6,
            ),
            **_paper(
                "C.1: a prompt and a response of up to 1k each", max_new_tokens=1024, max_prompt_tokens=1024
            ),
            **_paper("C.4: every layer is trained", trainable_layers=None),
            **_paper("C.2: scores are shifted, not scaled", scale_scores=False),
            **_paper("C.4: starting at a tenth of the peak", warmup_start=0.1),
            **_paper("C.4", ema_decay=0.992, ptx_coef=27.8, ptx_ratio=8.0),
            **_paper("C.4: a fixed coefficient", kl_target=None),
            **_paper("C.4: the whole 6B value function is trained", freeze_value_embeddings=False),
        },
    },
)

TINY = Preset(
    "tiny",
    "The smallest run that goes through every step: to see whether all is in place, not to get a good model.",
    {
        "sample": _tiny(completions_per_prompt=2, max_new_tokens=16),
        "score": _tiny(max_tokens=256),
        "pretrain": _tiny(
            tokens_per_step=256,
            max_tokens=64,
            warmup_steps=0,
            trainable_layers=1,
            eval_every=2,
            eval_tokens=256,
            checkpoint_every=2,
        ),
        "sft": _tiny(
            epochs=1,
            batch_size=2,
            warmup_steps=0,
            trainable_layers=1,
            max_tokens=256,
            eval_every=2,
            checkpoint_every=2,
        ),
        "reward_model": _tiny(
            layers=2, epochs=1, batch_size=2, warmup_steps=0, max_tokens=256, checkpoint_every=2
        ),
        "ppo": _tiny(
            steps=2,
            episodes_per_step=4,
            minibatches=2,
            max_new_tokens=16,
            warmup_steps=0,
            trainable_layers=1,
            eval_every=1,
            eval_prompts=4,
            checkpoint_every=1,
        ),
    },
)

PRESETS = {preset.name: preset for preset in (STARTER, INSTRUCTGPT, TINY)}
