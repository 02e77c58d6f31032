"""The questions of a rubric: what one is, how it is kept as JSON, and which rules it must keep."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from labeling.errors import DomainError

Kind = Literal["scale", "flag", "choice", "text"]
Per = Literal["completion", "prompt"]

KINDS: dict[str, Any] = {
    "scale": gettext_lazy("scale"),
    "flag": gettext_lazy("flag"),
    "choice": gettext_lazy("choice"),
    "text": gettext_lazy("text"),
}
SCOPES: dict[str, Any] = {
    "completion": gettext_lazy("each output"),
    "prompt": gettext_lazy("the prompt"),
}

KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_QUESTIONS = 40
MOST_OPTIONS = 20
LONGEST_NAME = 120
LONGEST_HELP = 600
LONGEST_TEXT = 5_000
# Keys of the page itself: guidelines, mode, question, raw, skip, undo, covers; the others toggle flags.
LETTERS = "abcdefhijklnoptwxyz"


@dataclass(frozen=True, slots=True)
class Option:
    key: str
    name: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """name and help by language; low and high bound a scale; options belong to a choice."""

    key: str
    kind: Kind
    per: Per
    name: Mapping[str, str]
    help: Mapping[str, str]
    is_required: bool = False
    low: int = 1
    high: int = 7
    options: tuple[Option, ...] = ()

    def as_json(self) -> dict[str, Any]:
        kept: dict[str, Any] = {
            "key": self.key,
            "kind": self.kind,
            "per": self.per,
            "name": dict(self.name),
            "help": dict(self.help),
            "required": self.is_required,
        }
        if self.kind == "scale":
            kept |= {"low": self.low, "high": self.high}
        if self.kind == "choice":
            kept["options"] = [{"key": option.key, "name": dict(option.name)} for option in self.options]
        return kept


def read_questions(kept: Iterable[Mapping[str, Any]]) -> tuple[Question, ...]:
    """Back from the JSON that `as_json` made."""
    return tuple(
        Question(
            key=row["key"],
            kind=cast(Kind, row["kind"]),
            per=cast(Per, row["per"]),
            name=row["name"],
            help=row["help"],
            is_required=row["required"],
            low=row.get("low", 1),
            high=row.get("high", 7),
            options=tuple(Option(option["key"], option["name"]) for option in row.get("options", ())),
        )
        for row in kept
    )


def in_language(texts: Mapping[str, str], language: str) -> str:
    """The text in this language (zh-hans: in zh), else in English, else in any."""
    for code in (language, language.partition("-")[0], "en", *texts):
        if texts.get(code):
            return texts[code]
    return ""


def overall_scale(questions: Iterable[Question]) -> Question | None:
    """The scale that says how good an output is all in all: the first that is asked of each."""
    scales = (q for q in questions if q.kind == "scale" and q.per == "completion")
    return next(scales, None)


def letters_of(questions: Sequence[Question]) -> dict[str, str]:
    """Key of a flag → the letter that toggles it. Flags of outputs and of the prompt are counted apart."""
    letters: dict[str, str] = {}
    for per in get_args(Per):
        flags = [question.key for question in questions if question.kind == "flag" and question.per == per]
        letters |= dict(zip(flags, LETTERS, strict=False))
    return letters


def check_questions(questions: Sequence[Question], *, language: str) -> None:
    """Refuse what annotators could not answer; each refusal names the question by its number, from 0.

    language: the project's first, in which every name must be there.
    """
    fields: dict[str, str] = {}
    seen: set[str] = set()
    for number, question in enumerate(questions):
        problem = _problem_of(question, language)
        if not problem and question.key in seen:
            problem = _("Another question has the key %s; give this one its own.") % question.key
        seen.add(question.key)
        if problem:
            fields[str(number)] = problem
    if len(questions) > MOST_QUESTIONS:
        fields[str(MOST_QUESTIONS)] = _("A rubric has at most %s questions.") % MOST_QUESTIONS
    if fields:
        message = _("The rubric is not complete; nothing was published.")
        raise DomainError("bad_rubric", message, fields)


def _problem_of(question: Question, language: str) -> str:
    if question.kind not in KINDS or question.per not in SCOPES:
        return _("There is no such kind of question.")
    if not question.name.get(language, "").strip():
        return _("Write its name in the language %s.") % language
    if not KEY.fullmatch(question.key):
        return _("%s is no key: write small letters a–z, digits and _, such as overall_quality.") % (
            question.key or "–"
        )
    if any(len(name) > LONGEST_NAME for name in question.name.values()):
        return _("The name is too long: at most %s characters.") % LONGEST_NAME
    if any(len(text) > LONGEST_HELP for text in question.help.values()):
        return _("The help is too long: at most %s characters.") % LONGEST_HELP
    if question.kind == "scale" and not 0 <= question.low < question.high <= 9:
        return _("A scale goes from a digit to a greater one, such as 1 to 7.")
    return _problem_of_options(question, language) if question.kind == "choice" else ""


def _problem_of_options(question: Question, language: str) -> str:
    keys = [option.key for option in question.options]
    if not 2 <= len(keys) <= MOST_OPTIONS:
        return _("A choice has 2 to %s options, one a line.") % MOST_OPTIONS
    if len(set(keys)) < len(keys):
        return _("Two options have the same key.")
    if not all(KEY.fullmatch(key) for key in keys):
        return _("Keys of options are small letters a–z, digits and _, such as not_sure.")
    if any(not option.name.get(language, "").strip() for option in question.options):
        return _("Each option needs a name in the language %s.") % language
    if any(len(name) > LONGEST_NAME for option in question.options for name in option.name.values()):
        return _("The name is too long: at most %s characters.") % LONGEST_NAME
    return ""
