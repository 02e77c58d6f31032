"""The config of a score run. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from training.engine.config_fields import RunConfig, setting
from training.engine.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ScoreConfig(RunConfig):
    """Scores of any completions by a reward model, or by an ensemble of them."""

    reward_model: str = setting(
        help="Directory of the reward model.",
        effect="Several, separated by commas, are an ensemble: the score is their mean, its spread their "
        "standard deviation.",
        source="Coste 2023 (arXiv 2310.02743): 3 to 5 seeds",
    )
    max_tokens: int = setting(
        2048,
        help="Prompts with completions longer than this get no score and are counted.",
        unit="tokens",
        effect="Should be that of the rankings the reward model was trained on.",
        minimum=2,
        maximum=131072,
    )
    tokens_per_microbatch: int = setting(
        4096,
        help="Tokens computed at once.",
        unit="tokens",
        effect="Memory only: results are equal to rounding.",
        minimum=16,
        maximum=10_000_000,
    )

    def __post_init__(self) -> None:
        if not self.reward_models:
            raise ConfigError(
                f"reward_model: {self.reward_model!r} is not allowed; allowed are directories of reward "
                "models, separated by commas"
            )

    @property
    def reward_models(self) -> list[str]:
        """The directories of the ensemble's members, one or more."""
        return [directory.strip() for directory in self.reward_model.split(",") if directory.strip()]
