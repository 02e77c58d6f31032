"""One frozen, validated dataclass per kind of run, each field with its documentation. Standard library only.

The web process imports this module to build forms: it must never load torch.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_type_hints

from training.engine.config_fields import (
    STARTER,
    FieldDescription,
    PolicyConfig,
    RunConfig,
    TrainingConfig,
    check_value,
    describe_field,
    setting,
)
from training.engine.config_ppo import PpoConfig, refuse_what_breaks_the_ratio
from training.engine.config_score import ScoreConfig
from training.engine.config_sft import PretrainConfig, SftConfig
from training.engine.errors import ConfigError

__all__ = [
    "CONFIG_TYPES",
    "FieldDescription",
    "PpoConfig",
    "PretrainConfig",
    "RunConfig",
    "ScoreConfig",
    "SftConfig",
    "fields_of",
    "load_config",
    "parse_config",
]


@dataclass(frozen=True, kw_only=True)
class SampleConfig(PolicyConfig):
    """K completions for every prompt of the snapshot."""

    completions_per_prompt: int = setting(
        4,
        help="Completions made for each prompt (K).",
        source="Ouyang 2022, 3.5: 4 to 9",
        minimum=1,
        maximum=1000,
    )
    max_new_tokens: int = setting(
        128,
        help="Longest completion.",
        unit="tokens",
        effect="Longer ones are cut there.",
        minimum=1,
        maximum=32768,
    )
    temperature: float = setting(
        0.7,
        help="Softmax temperature.",
        effect="Higher: more varied, less likely texts.",
        minimum=0.01,
        maximum=10.0,
    )
    rows_in_flight: int = setting(
        64,
        help="Completions decoded at the same time.",
        unit="rows",
        effect="More: faster until memory or caches run out.",
        source=STARTER,
        minimum=1,
        maximum=4096,
    )
    max_prompt_tokens: int = setting(
        1024,
        help="Prompts longer than this are left out and counted.",
        unit="tokens",
        source="Ouyang 2022, C.1: 1k",
        minimum=1,
        maximum=131072,
    )
    generator_url: str | None = setting(
        None,
        help="Address of an OpenAI-compatible server that writes the completions, such as vLLM; empty: the "
        "engine itself.",
        effect="Such as http://127.0.0.1:8000/v1. It gets every prompt, and the key in GENERATOR_API_KEY if "
        "that names this address. Of `policy` only the tokenizer is used then.",
    )
    generator_model: str | None = setting(
        None,
        help="The server's name of the model, needed with generator_url.",
        effect="GET /models lists them.",
    )

    def __post_init__(self) -> None:
        if self.generator_url is None:
            return
        if not re.fullmatch(r"https?://[^\s?#]+", self.generator_url):
            raise ConfigError(
                f"generator_url: {self.generator_url!r} is not allowed; allowed is an address such as "
                "http://127.0.0.1:8000/v1"
            )
        if self.generator_model is None:
            raise ConfigError("generator_model: missing; with generator_url the server's name of the model")


@dataclass(frozen=True, kw_only=True)
class RewardModelConfig(TrainingConfig):
    """A reward model from rankings, one forward pass per completion."""

    layers: int | None = setting(
        16,
        help="Keep at most the first layers of the language model; empty keeps all.",
        unit="layers",
        effect="Fewer: faster, a little less accurate.",
        source=STARTER,
        minimum=1,
        maximum=10_000,
    )
    freeze_embeddings: bool = setting(
        True,
        help="Leave the token embeddings as they are.",
        effect="Faster, and rare words are not distorted.",
        source=STARTER,
    )
    epochs: int = setting(
        1,
        help="Passes over the rankings.",
        effect="More overfit at once.",
        source="Ouyang 2022, C.2",
        minimum=1,
        maximum=1000,
    )
    pair_norm: str = setting(
        "ranking",
        help="What counts the same in the loss: each ranking, or each pair.",
        effect="pairs: a ranking of 9 counts six times as much as one of 4, as where the pairs of all "
        "rankings are one data set.",
        source="Ouyang 2022, 3.5: ranking",
        choices=("ranking", "pairs"),
    )
    batch_size: int = setting(
        8, help="Rankings per step.", source="Ouyang 2022, C.2: 64; " + STARTER, minimum=1, maximum=65536
    )
    learning_rate: float = setting(
        5e-5,
        help="Peak of Adam's step size.",
        source="Ouyang 2022, C.2: 9e-6 at 6B; " + STARTER,
        minimum=0.0,
        maximum=1.0,
    )
    warmup_steps: int = setting(3, help="Linear warm-up.", unit="steps", minimum=0, maximum=10**6)
    max_tokens: int = setting(
        2048,
        help="Rankings with a text longer than this are left out and counted.",
        unit="tokens",
        minimum=2,
        maximum=131072,
    )


CONFIG_TYPES: dict[str, type[RunConfig]] = {
    "sample": SampleConfig,
    "score": ScoreConfig,
    "pretrain": PretrainConfig,
    "sft": SftConfig,
    "reward_model": RewardModelConfig,
    "ppo": PpoConfig,
}


def fields_of(kind: object) -> tuple[FieldDescription, ...]:
    """The fields of a kind of run, in order, `kind` itself left out."""
    config_type = _config_type(kind)
    hints = get_type_hints(config_type)
    return tuple(
        describe_field(entry, hints[entry.name]) for entry in fields(config_type) if entry.name != "kind"
    )


def parse_config(values: object) -> RunConfig:
    """Validate a flat mapping into the dataclass of its kind; ConfigError names field, value and what is
    allowed."""
    if not isinstance(values, dict):
        raise ConfigError("the config must be a JSON object")
    kind = values.get("kind")
    descriptions = {description.name: description for description in fields_of(kind)}
    if kind == "ppo":
        refuse_what_breaks_the_ratio(values)
    for name in values:
        if name != "kind" and name not in descriptions:
            raise ConfigError(
                f"{name}: unknown field of a {kind} run; allowed are {', '.join(sorted(descriptions))}"
            )
    checked = {
        name: check_value(description, values[name])
        for name, description in descriptions.items()
        if name in values
    }
    for name, description in descriptions.items():
        if description.is_required and name not in values:
            raise ConfigError(f"{name}: missing from the config of a {kind} run. {description.help}")
    return _config_type(kind)(kind=str(kind), **checked)


def load_config(path: Path) -> RunConfig:
    """Read and validate a config.json."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist: a run directory holds a config.json") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not JSON: {error}") from error
    return parse_config(values)


def _config_type(kind: object) -> type[RunConfig]:
    if not isinstance(kind, str) or kind not in CONFIG_TYPES:
        raise ConfigError(f"kind: {kind!r} is not allowed; allowed are {', '.join(CONFIG_TYPES)}")
    return CONFIG_TYPES[kind]
