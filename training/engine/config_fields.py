"""How a config field is declared, described and checked. Standard library only."""

from __future__ import annotations

import math
from dataclasses import MISSING, Field, dataclass, field
from typing import Any, get_args

from training.engine.errors import ConfigError


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
        raise ConfigError(f"{description.name}: {value!r} is not allowed; allowed is {_allowed(description)}")
    if description.choices and value not in description.choices:
        raise ConfigError(f"{description.name}: {value!r} is not allowed; allowed is {_allowed(description)}")
    too_low = description.minimum is not None and value < description.minimum
    too_high = description.maximum is not None and value > description.maximum
    if too_low or too_high or value == "":
        raise ConfigError(f"{description.name}: {value!r} is not allowed; allowed is {_allowed(description)}")
    return value


_TYPE_NAMES = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}


def _allowed(description: FieldDescription) -> str:
    if description.choices:
        return "one of " + ", ".join(description.choices)
    allowed = _TYPE_NAMES[description.type]
    if description.minimum is not None and description.maximum is not None:
        allowed += f" from {description.minimum:g} to {description.maximum:g}"
    return allowed + (", or null" if description.is_optional else "")
