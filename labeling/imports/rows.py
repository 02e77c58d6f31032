"""Finds a prompt's fields in the columns of a file."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from labeling.imports.conversations import turns_of
from labeling.imports.files import RawRow, RowProblem
from labeling.imports.outputs import OutputColumn, OutputFields, outputs_in, prompt_before
from labeling.models import Prompt, Topic

FIELDS = ("prompt", "messages", "author", "category", "language", "source", "split", "topics", "external_id")
# Names that other people's files give the same things, best first.
USUAL_NAMES = {
    "prompt": ("prompt", "instruction", "question", "query", "text"),
    "messages": ("messages", "conversation", "conversations"),
    "author": ("author", "user", "user_id", "author_id", "writer"),
    "category": ("category", "use_case", "task_type"),
    "language": ("language", "lang", "locale"),
    "source": ("source",),
    "split": ("split",),
    "topics": ("topics", "sensitive_topics"),
    "external_id": ("external_id", "id", "prompt_id", "uuid"),
}
CATEGORIES, SOURCES = tuple(Prompt.Category.values), tuple(Prompt.Source.values)
SPLITS, TOPICS = tuple(Prompt.Split.values), tuple(Topic.values)
SPLIT_NAMES = {"validation": "valid", "val": "valid", "dev": "valid"}
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
LONGEST_NAME = 150
LONGEST_ID = 200


@dataclass(frozen=True)
class PromptFields:
    """What a row says of a prompt; empty: it does not say."""

    messages: list[dict[str, str]]
    author: str
    category: str
    language: str
    source: str
    split: str
    topics: list[str]
    external_id: str
    metadata: dict[str, Any]
    outputs: tuple[OutputFields, ...] = ()


@dataclass(frozen=True)
class Reading:
    """How the columns are read. drops_answers: the answer that a conversation ends with is left out."""

    mapping: Mapping[str, str]  # field → column
    outputs: Sequence[OutputColumn] = ()
    drops_answers: bool = False

    @property
    def finds_prompts(self) -> bool:
        """Whether a column is chosen that can hold a prompt; one with outputs may hold it too."""
        return bool({"prompt", "messages"} & set(self.mapping) or self.outputs)

    @cached_property
    def columns(self) -> set[str]:
        """Those that are taken; all others become metadata."""
        named = {name for output in self.outputs for name in (output.column, output.model_column)}
        return named | set(self.mapping.values())

    @cached_property
    def is_answer_taken(self) -> bool:
        """Whether something is done with the answer that the messages end with."""
        messages = self.mapping.get("messages")
        return self.drops_answers or any(output.column == messages for output in self.outputs)


def usual_mapping(columns: Sequence[str]) -> dict[str, str]:
    """Field → the column that most likely holds it; fields that none holds are left out."""
    by_name = {re.sub(r"[\s-]+", "_", column.strip().casefold()): column for column in reversed(columns)}
    found = {
        field: next((by_name[name] for name in USUAL_NAMES[field] if name in by_name), "") for field in FIELDS
    }
    return {field: column for field, column in found.items() if column}


def prompt_fields(row: RawRow, reading: Reading) -> PromptFields:
    """The fields of one row; columns that nothing takes become metadata. Raises RowProblem."""
    if row.problem:
        raise RowProblem(row.problem)
    taken = {field: row.values.get(column) for field, column in reading.mapping.items()}
    columns = reading.columns
    split = _word(taken, "split")
    return PromptFields(
        messages=_conversation(row, taken, reading),
        author=_text(taken, "author", longest=LONGEST_NAME),
        category=_choice(taken, "category", CATEGORIES),
        language=_language(taken),
        source=_choice(taken, "source", SOURCES),
        split=_one_of("split", SPLIT_NAMES.get(split, split), SPLITS),
        topics=_topics(taken.get("topics")),
        external_id=_text(taken, "external_id", longest=LONGEST_ID),
        metadata={name: value for name, value in row.values.items() if name not in columns},
        outputs=tuple(outputs_in(row.values, reading.outputs)),
    )


def _conversation(row: RawRow, taken: Mapping[str, Any], reading: Reading) -> list[dict[str, Any]]:
    prompt, messages = taken.get("prompt"), taken.get("messages")
    turns = turns_of(messages)
    if turns is not None and turns[-1]["role"] == "assistant":
        if reading.is_answer_taken:
            return turns[:-1]
        if _is_empty(prompt):
            raise RowProblem(
                _("The conversation ends with an answer: say that answers are left out, or are outputs.")
            )
        messages = None
    if _is_empty(prompt) and _is_empty(messages):
        return prompt_before(row.values, reading.outputs) or _turns(prompt, messages)
    return _turns(prompt, messages)


def _turns(prompt: Any, messages: Any) -> list[dict[str, Any]]:
    given = prompt if _is_empty(messages) else messages
    if isinstance(given, str) and (given is messages or given.lstrip().startswith('[{"role"')):
        try:
            given = json.loads(given)
        except ValueError as error:
            raise RowProblem(_("Its messages are no JSON.")) from error
    if isinstance(given, str) and given.strip():
        return [{"role": "user", "content": given}]
    if _is_empty(given) or isinstance(given, str):
        raise RowProblem(_("The prompt is empty."))
    if not isinstance(given, list) or not all(isinstance(message, dict) for message in given):
        raise RowProblem(_("The prompt is neither a text nor a list of messages with role and content."))
    return turns_of(given) or given


def _text(taken: Mapping[str, Any], field: str, *, longest: int) -> str:
    value = taken.get(field)
    if _is_empty(value):
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise RowProblem(_("The field %s is no text.") % field)
    text = str(value).strip()
    if len(text) > longest:
        raise RowProblem(
            _("The field %(field)s is longer than %(n)s characters.") % {"field": field, "n": longest}
        )
    return text


def _word(taken: Mapping[str, Any], field: str) -> str:
    return re.sub(r"[\s-]+", "_", _text(taken, field, longest=200).casefold())


def _choice(taken: Mapping[str, Any], field: str, choices: Sequence[str]) -> str:
    return _one_of(field, _word(taken, field), choices)


def _one_of(field: str, word: str, choices: Sequence[str]) -> str:
    if word and word not in choices:
        raise RowProblem(
            _("The %(field)s “%(value)s” is none of %(choices)s.")
            % {"field": field, "value": word[:40], "choices": ", ".join(choices)}
        )
    return word


def _language(taken: Mapping[str, Any]) -> str:
    code = _text(taken, "language", longest=200).lower().replace("_", "-")
    if code and (not LANGUAGE.fullmatch(code) or len(code) > 16):
        raise RowProblem(_("The language “%s” is no code such as en or zh.") % code[:40])
    return code


def _topics(value: Any) -> list[str]:
    """A list, or a text of keys with commas or spaces between them; a list may be written as JSON."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise RowProblem(_("Its topics are no JSON.")) from error
    words = re.split(r"[\s,;]+", value) if isinstance(value, str) else value or []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise RowProblem(_("The topics are neither a text nor a list of texts."))
    found = {_one_of("topic", word.strip().casefold().replace("-", "_"), TOPICS) for word in words}
    return [topic for topic in TOPICS if topic in found]


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == []
