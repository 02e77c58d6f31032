"""The configs of runs that raise the probability of given texts: supervised fine-tuning and pretraining.
Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from training.engine.config_fields import TrainingConfig, setting
from training.engine.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class TextTrainingConfig(TrainingConfig):
    """What both have."""

    learning_rate: float = setting(
        2e-5,
        help="Peak of Adam's step size.",
        source="Ouyang 2022, C.3: 5e-6 to 1e-5 at 1.3B to 6B",
        minimum=0.0,
        maximum=1.0,
    )
    warmup_steps: int = setting(3, help="Linear warm-up.", unit="steps", minimum=0, maximum=10**6)
    trainable_layers: int | None = setting(
        None,
        help="Train at most this many top layers; empty trains all.",
        unit="layers",
        minimum=1,
        maximum=10_000,
    )
    eval_every: int = setting(
        10,
        help="Steps between validations; the best one is the model saved.",
        unit="steps",
        minimum=1,
        maximum=10**6,
    )
    layout: str = setting(
        "bucketed",
        help="How texts are laid out for a forward pass.",
        effect="bucketed: texts of like length in rows of their own. packed: one after the other in one row "
        "without padding, none attending to another. The loss is the same.",
        choices=("bucketed", "packed"),
    )


@dataclass(frozen=True, kw_only=True)
class SftConfig(TextTrainingConfig):
    """Supervised fine-tuning on demonstrations; the loss counts completion tokens only."""

    epochs: int = setting(
        2, help="Passes over the demonstrations.", source="Ouyang 2022, C.3", minimum=1, maximum=1000
    )
    batch_size: int = setting(
        8, help="Demonstrations per step.", source="Ouyang 2022, C.3: 32 and 8", minimum=1, maximum=65536
    )
    max_tokens: int = setting(
        2048,
        help="Demonstrations longer than this are left out and counted.",
        unit="tokens",
        minimum=2,
        maximum=131072,
    )
    pretrain_mix: float = setting(
        0.0,
        help="Share of each step's tokens that comes from the text corpus; 0 needs none.",
        effect="Keeps what the model knew before; it helps PPO later.",
        source="Ouyang 2022, C.3: 0.1",
        minimum=0.0,
        maximum=0.9,
    )
    select_by: str = setting(
        "valid_loss",
        help="What makes a step the best one.",
        effect="valid_loss: the lowest loss on valid demonstrations. reward_model: the highest score of its "
        "own completions of valid prompts, by the reward model.",
        source="Ouyang 2022, C.1: reward_model",
        choices=("valid_loss", "reward_model"),
    )
    reward_model: str | None = setting(
        None, help="Directory of the reward model that select_by reads; empty unless it does."
    )
    eval_prompts: int = setting(
        64,
        help="At most this many valid prompts are answered for the reward model.",
        minimum=1,
        maximum=100_000,
    )
    max_new_tokens: int = setting(
        128,
        help="Longest completion for the reward model.",
        unit="tokens",
        effect="Should be that of the completions the reward model was trained on.",
        minimum=1,
        maximum=32768,
    )
    temperature: float = setting(
        0.7,
        help="Softmax temperature of completions for the reward model.",
        minimum=0.01,
        maximum=10.0,
    )
    rows_in_flight: int = setting(
        64, help="Completions decoded at the same time.", unit="rows", minimum=1, maximum=4096
    )

    def __post_init__(self) -> None:
        if self.select_by == "reward_model" and not self.reward_model:
            raise ConfigError("select_by: 'reward_model' needs a reward model; name one, or use valid_loss")


@dataclass(frozen=True, kw_only=True)
class PretrainConfig(TextTrainingConfig):
    """Language modeling on a text corpus: the loss counts every token."""

    epochs: int = setting(1, help="Passes over the corpus.", minimum=1, maximum=1000)
    tokens_per_step: int = setting(
        8192,
        help="Tokens of the corpus per step.",
        unit="tokens",
        source="Brown 2020, table 2.1: 0.5 to 3.2 million",
        minimum=16,
        maximum=10**8,
    )
    max_tokens: int = setting(
        1024,
        help="Longest text the model sees at once; longer documents are cut into several.",
        unit="tokens",
        source="Brown 2020, 2.1: 2048",
        minimum=2,
        maximum=131072,
    )
    eval_tokens: int = setting(
        16384,
        help="At most this many tokens of held-out documents (every 20th) are in a validation.",
        unit="tokens",
        minimum=16,
        maximum=10**8,
    )
