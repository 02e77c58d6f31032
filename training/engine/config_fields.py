"""How a config field is declared, described and checked, and the fields that all kinds share. Standard
library only."""

from __future__ import annotations

import math
from dataclasses import MISSING, Field, dataclass, field
from typing import Any, get_args

from training.engine.errors import ConfigError

STARTER = "measured with SmolLM2-135M on 2 CPU cores"


def setting(default: Any = MISSING, *, help: str, **documentation: Any) -> Any:
    """A config field. documentation: unit, effect, source, minimum, maximum, choices."""
    return field(default=default, metadata={"help": help, **documentation})


@dataclass(frozen=True)
class FieldDescription:
    """What a form or a reference page needs to know about one field."""

    name: str
    type: str
    is_required: bool
    default: Any
    help: str
    unit: str = ""
    effect: str = ""
    source: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    is_optional: bool = False


def describe_field(entry: Field[Any], hint: Any) -> FieldDescription:
    """What a field says of itself. `hint` is its resolved type."""
    options = [option for option in get_args(hint) if option is not type(None)] or [hint]
    is_required = entry.default is MISSING
    return FieldDescription(
        name=entry.name,
        type=options[0].__name__,
        is_required=is_required,
        default=None if is_required else entry.default,
        is_optional=type(None) in get_args(hint),
        **entry.metadata,
    )


def check_value(description: FieldDescription, value: Any) -> Any:
    """The value as the field takes it; ConfigError naming field, value and what is allowed."""
    if value is None and description.is_optional:
        return None
    if description.type == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value).__name__ != description.type or (isinstance(value, float) and not math.isfinite(value)):
        raise ConfigError(
            f"{description.name}: {value!r} is not allowed; allowed is {allowed_values(description)}"
        )
    if description.choices and value not in description.choices:
        raise ConfigError(
            f"{description.name}: {value!r} is not allowed; allowed is {allowed_values(description)}"
        )
    too_low = description.minimum is not None and value < description.minimum
    too_high = description.maximum is not None and value > description.maximum
    if too_low or too_high or value == "":
        raise ConfigError(
            f"{description.name}: {value!r} is not allowed; allowed is {allowed_values(description)}"
        )
    return value


_TYPE_NAMES = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}


def allowed_values(description: FieldDescription) -> str:
    """What a field takes, in words."""
    if description.choices:
        return "one of " + ", ".join(description.choices)
    allowed = _TYPE_NAMES[description.type]
    if description.minimum is not None and description.maximum is not None:
        allowed += f" from {description.minimum:,.10g} to {description.maximum:,.10g}"
    return allowed + (", or null" if description.is_optional else "")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What every kind of run has."""

    kind: str = setting(
        help="Which recipe runs.", choices=("sample", "score", "pretrain", "sft", "reward_model", "ppo")
    )
    seed: int = setting(
        0,
        help="Everything random in the run follows from it.",
        effect="Same seed, same result.",
        minimum=0,
        maximum=2**31,
    )
    dtype: str = setting(
        "auto",
        help="Number format of the heavy arithmetic.",
        effect="auto: bfloat16 on CUDA and on CPUs with bfloat16 instructions, float32 elsewhere. Trained "
        "weights are float32 in any case.",
        source="SmolLM2-135M on 2 Zen 5 cores: bfloat16 2.8 times as fast, on AMX 6 times",
        choices=("auto", "float32", "bfloat16"),
    )


@dataclass(frozen=True, kw_only=True)
class PolicyConfig(RunConfig):
    """What every kind of run has that starts from a language model."""

    policy: str = setting(
        help="Directory of the language model the run starts from.",
        effect="Absolute, or relative to the directory the engine is started in.",
    )


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(PolicyConfig):
    """What every kind of run that trains has."""

    max_grad_norm: float = setting(
        1.0,
        help="Gradients are scaled down to this norm.",
        effect="Lower: steadier, slower.",
        minimum=0.001,
        maximum=1e6,
    )
    tokens_per_microbatch: int = setting(
        2048,
        help="Padded tokens computed at once.",
        unit="tokens",
        effect="Memory only: results are equal to rounding.",
        minimum=16,
        maximum=10_000_000,
    )
    keep_checkpoints: int = setting(2, help="Newest checkpoints kept.", minimum=1, maximum=1000)
    checkpoint_every: int = setting(
        20,
        help="Steps between checkpoints.",
        unit="steps",
        effect="What a crash can cost.",
        minimum=1,
        maximum=10**6,
    )
    lora_rank: int | None = setting(
        None,
        help="Train adapters of this rank beside every linear layer instead of the layers; empty trains the "
        "layers.",
        effect="Checkpoints and the memory of the optimizer shrink to a few per cent; the step size has to "
        "be larger, often ten times. The model saved is an ordinary one.",
        source="Hu 2021 (LoRA): 1 to 64",
        minimum=1,
        maximum=4096,
    )
    lora_alpha: float = setting(
        16.0,
        help="What adapters add is multiplied by this over lora_rank.",
        effect="Higher: larger steps.",
        source="Hu 2021: a constant",
        minimum=0.001,
        maximum=1e6,
    )
    gradient_checkpointing: bool = setting(
        False,
        help="Keep each layer's input alone for the backward pass, and compute the layer once more there.",
        effect="Much less memory, about a third slower; results are the same.",
        source="Chen 2016",
    )
    processes: int = setting(
        1,
        help="Processes of this machine that work on the run together, one GPU each.",
        unit="processes",
        effect="Faster, up to the number of GPUs; results are equal to rounding.",
        minimum=1,
        maximum=64,
    )
    strategy: str = setting(
        "ddp",
        help="How several processes hold the models that learn: ddp, each has all of them; fully_shard, each "
        "has its part.",
        effect="fully_shard: room for larger models, at the cost of communication.",
        source="torch.nn.parallel.DistributedDataParallel; torch.distributed.fsdp.fully_shard",
        choices=("ddp", "fully_shard"),
    )
