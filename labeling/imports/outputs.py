"""Outputs that come in a row beside its prompt: which columns hold them, and who wrote each.

A column holds a text, a conversation that ends with the answer, or a list of either, of which each may be an
object that also says which model wrote it. What anybody preferred among them is not read.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from labeling.imports.conversations import answer_of, turns_of
from labeling.imports.files import RowProblem

MOST_COLUMNS = 9
MOST_IN_A_ROW = 64
LONGEST_NAME = 120
LONGEST_ID = 200
LISTS = ("completions", "outputs", "responses", "generations", "candidates")
SINGLES = ("output", "response", "completion", "answer", "generation")
MODELS = ("model", "model_name", "generator")
NUMBERED = re.compile(r"(?:output|response|completion|answer|conversation)_?([a-i1-9])")
TEXT_NAMES = ("text", "output", "response", "completion", "content", "answer", "generation", "messages")
ID_NAMES = ("external_id", "id")


@dataclass(frozen=True)
class OutputColumn:
    """A column with outputs, and which model wrote them: the column that says it, or a name for all."""

    column: str
    model_column: str = ""
    model: str = ""


@dataclass(frozen=True)
class OutputFields:
    """An output as a row has it. writer: what the team calls the model; empty: nobody says."""

    text: str
    writer: str = ""
    external_id: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


def usual_outputs(columns: Sequence[str]) -> list[OutputColumn]:
    """The columns that by their names hold outputs, each with the one that most likely names its model."""
    by_name = {re.sub(r"[\s-]+", "_", column.strip().casefold()): column for column in reversed(columns)}
    found: list[OutputColumn] = []
    models: tuple[str, ...]
    for name, column in reversed(by_name.items()):
        if name in LISTS:
            models = ("models", *MODELS)
        elif numbered := NUMBERED.fullmatch(name):
            models = (f"model_{numbered[1]}", f"model{numbered[1]}")
        elif name in {"chosen", "rejected"}:
            models = (f"{name}_model", f"model_{name}")
        elif name in SINGLES:
            models = MODELS
        else:
            continue
        found.append(OutputColumn(column, next((by_name[m] for m in models if m in by_name), "")))
    return found[:MOST_COLUMNS]


def outputs_in(values: Mapping[str, Any], columns: Sequence[OutputColumn]) -> list[OutputFields]:
    """The outputs of a row; a column that is empty in it has none. Raises RowProblem."""
    outputs = []
    for column in columns:
        value = _list_in(values.get(column.column))
        models = values.get(column.model_column) if column.model_column else None
        parts = value if isinstance(value, list) and turns_of(value) is None else [value]
        if len(parts) > MOST_IN_A_ROW:
            raise RowProblem(_("It has more than %s outputs.") % MOST_IN_A_ROW)
        for number, part in enumerate(parts):
            # Lists side by side: the outputs, and the model of each.
            model = models[number] if isinstance(models, list) and len(models) == len(parts) else models
            output = _output(part, model if model not in (None, "") else column.model)
            if output.text.strip():
                outputs.append(output)
    return outputs


def prompt_before(values: Mapping[str, Any], columns: Sequence[OutputColumn]) -> list[dict[str, Any]]:
    """The turns that lead to the outputs, of a row whose prompt stands only there; empty: there are none."""
    for column in columns:
        turns = turns_of(values.get(column.column))
        if turns is not None and len(turns) > 1:
            return turns[:-1]
    return []


def _list_in(value: Any) -> Any:
    """A list of objects may be written as JSON, as in a CSV. A text that only looks like one is a text."""
    if not isinstance(value, str) or not value.lstrip().startswith('[{"'):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return found if all(isinstance(part, dict) and set(part) & set(TEXT_NAMES) for part in found) else value


def _output(part: Any, model: Any) -> OutputFields:
    turns = turns_of(part)
    if turns is not None:
        return OutputFields(answer_of(turns), _name(model))
    if isinstance(part, Mapping):
        return _described_output(part, model)
    if part is not None and not isinstance(part, str):
        raise RowProblem(_("An output is neither a text nor an object with its text."))
    return OutputFields(part or "", _name(model))


def _described_output(part: Mapping[str, Any], model: Any) -> OutputFields:
    text_name = next((name for name in TEXT_NAMES if part.get(name) is not None), "")
    model_name = next((name for name in MODELS if part.get(name) not in (None, "")), "")
    id_name = next((name for name in ID_NAMES if part.get(name) not in (None, "")), "")
    text = part.get(text_name)
    turns = turns_of(text)
    text = answer_of(turns) if turns is not None else text
    if text is not None and not isinstance(text, str):
        raise RowProblem(_("An output is neither a text nor an object with its text."))
    given = part.get("metadata")
    more = given if isinstance(given, dict) else {}
    taken = {text_name, model_name, id_name} | ({"metadata"} if isinstance(given, dict) else set())
    external_id = str(part.get(id_name) or "").strip()
    if len(external_id) > LONGEST_ID:
        raise RowProblem(_("The id of an output is longer than %s characters.") % LONGEST_ID)
    return OutputFields(
        text or "",
        _name(part.get(model_name) if model_name else model),
        external_id,
        {name: value for name, value in part.items() if name not in taken and value is not None} | more,
    )


def _name(model: Any) -> str:
    if model is None:
        return ""
    if isinstance(model, bool) or not isinstance(model, str | int | float):
        raise RowProblem(_("The name of an output's model is no text."))
    name = " ".join(str(model).split())
    if len(name) > LONGEST_NAME:
        raise RowProblem(_("The name of an output's model is longer than %s characters.") % LONGEST_NAME)
    return name
