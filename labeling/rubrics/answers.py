"""Answers to a rubric's questions: read, judged, and held against the ranking."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from labeling.errors import DomainError
from labeling.rubrics.questions import LONGEST_TEXT, Question, overall_scale

FIELD = re.compile(r"answer-(\d)-([a-z][a-z0-9_]{0,39})")
# Key of the question, and the output 1…K as this person saw it; None: about the prompt.
Place = tuple[str, int | None]
Value = int | bool | str


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it was sent. output: 1…K as this person saw it, None for a question about the prompt."""

    question: str
    output: int | None
    value: Any


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Output `above` was placed before `below` and rated lower."""

    above: int
    below: int
    rating_above: int
    rating_below: int


def checked_answers(
    questions: Sequence[Question], given: Sequence[Given], *, outputs: int, must_be_whole: bool
) -> dict[Place, Value]:
    """The answers that say something: flags that are set, texts that are not empty.

    Refuses answers to no question, twice, or of a wrong kind; where `must_be_whole`, also when an answer that
    is required is missing.
    """
    by_key = {question.key: question for question in questions}
    answers: dict[Place, Value] = {}
    fields: dict[str, str] = {}
    for answer in given:
        question, place = by_key.get(answer.question), (answer.question, answer.output)
        name = field_of(answer.question, answer.output)
        if question is None or not _is_asked(question, answer.output, outputs):
            fields[name] = _("The rubric does not ask for %s here.") % name
        elif place in answers:
            fields[name] = _("There are two answers to %s.") % name
        elif (value := _read(question, answer.value)) is None:
            fields[name] = _("%s is no answer to that question.") % name
        else:
            answers[place] = value
    for question in questions if must_be_whole else ():
        for output in range(1, outputs + 1) if question.per == "completion" else (None,):
            if question.is_required and not answers.get((question.key, output), ""):
                fields.setdefault(field_of(question.key, output), _("Answer it first."))
    if fields:
        raise DomainError("bad_answers", _sentence(by_key, fields), fields)
    return {place: value for place, value in answers.items() if value is not False and value != ""}


def field_of(question: str, output: int | None) -> str:
    """What the page's form calls an answer."""
    return f"answer-{output or 0}-{question}"


def from_fields(questions: Sequence[Question], fields: Mapping[str, str]) -> list[Given]:
    """Answers by the names of their fields; what is empty was not given."""
    kinds = {question.key: question.kind for question in questions}
    given = []
    for field, value in fields.items():
        if (match := FIELD.fullmatch(field)) and value.strip():
            kind = kinds.get(match[2])
            is_digit = kind == "scale" and re.fullmatch(r"[0-9]", value)
            read: Any = True if kind == "flag" else int(value) if is_digit else value
            given.append(Given(match[2], int(match[1]) or None, read))
    return given


def to_fields(answers: Sequence[Given]) -> dict[str, str]:
    """The other way: as the form's fields hold them."""
    return {
        field_of(answer.question, answer.output): "yes" if answer.value is True else str(answer.value)
        for answer in answers
        if answer.value is not False
    }


def contradictions(
    questions: Sequence[Question], given: Sequence[Given], places: Mapping[int, int]
) -> list[Contradiction]:
    """Pairs that the ranking orders against the overall ratings."""
    overall = overall_scale(questions)
    ratings = {
        answer.output: answer.value
        for answer in given
        if overall and answer.question == overall.key and answer.output and isinstance(answer.value, int)
    }
    return [
        Contradiction(above, below, ratings[above], ratings[below])
        for above in sorted(ratings)
        for below in sorted(ratings)
        if above in places and below in places
        if places[above] < places[below] and ratings[above] < ratings[below]
    ]


def _is_asked(question: Question, output: int | None, outputs: int) -> bool:
    if question.per == "prompt":
        return output is None
    return output is not None and 1 <= output <= outputs


def _read(question: Question, value: Any) -> Value | None:
    """The value as it is kept; None when it is none of this question."""
    if question.kind == "flag":
        return value if isinstance(value, bool) else None
    if question.kind == "scale":
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return value if is_number and question.low <= value <= question.high else None
    if not isinstance(value, str):
        return None
    if question.kind == "choice":
        return value if value in {option.key for option in question.options} else None
    return value.strip() if len(value) <= LONGEST_TEXT else None


def _sentence(by_key: Mapping[str, Question], fields: Mapping[str, str]) -> str:
    if all(problem == _("Answer it first.") for problem in fields.values()):
        return _("Some questions have no answer yet; nothing was sent.")
    return _("Some answers do not fit the rubric; nothing was sent.") + " " + " ".join(fields.values())
