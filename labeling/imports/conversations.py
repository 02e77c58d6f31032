"""Conversations as other people's files have them, in turns with role and content."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from labeling.imports.files import RowProblem

ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant", "model": "assistant", "ai": "assistant"}
ROLE_NAMES, CONTENT_NAMES = ("role", "from"), ("content", "value")


def turns_of(value: Any) -> list[dict[str, Any]] | None:
    """The turns of a conversation, also of one that is written as JSON; None: the value is none."""
    if isinstance(value, str) and value.lstrip().startswith('[{"'):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    if not isinstance(value, list) or not value or not all(map(_is_turn, value)):
        return None
    return [{"role": _role(turn), "content": _of(turn, CONTENT_NAMES)} for turn in value]


def answer_of(turns: list[dict[str, Any]]) -> str:
    """The answer that a conversation ends with. Raises RowProblem when it ends otherwise."""
    answer = turns[-1]["content"]
    if turns[-1]["role"] != "assistant" or not isinstance(answer, str):
        raise RowProblem(_("A conversation that holds an output ends with a turn of the assistant."))
    return answer


def _is_turn(turn: Any) -> bool:
    return (
        isinstance(turn, Mapping)
        and any(name in turn for name in ROLE_NAMES)
        and any(name in turn for name in CONTENT_NAMES)
    )


def _role(turn: Mapping[str, Any]) -> Any:
    role = _of(turn, ROLE_NAMES)
    return ROLES.get(role.casefold(), role) if isinstance(role, str) else role


def _of(turn: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((turn[name] for name in names if turn.get(name) is not None), None)
