"""The form in which a manager builds a rubric: read from what is sent, changed by a button, shown again.

What is sent is the whole rubric each time, so that nothing is kept half done and no JavaScript is needed.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from django.http import QueryDict

from labeling.rubrics.presets import PRESETS
from labeling.rubrics.questions import KEY, KINDS, MOST_QUESTIONS, SCOPES, Kind, Option, Per, Question

NAME_FIELD = re.compile(r"q-\d{1,3}-name-([a-z]{2,3}(?:-[a-z0-9]{2,8})*)")
KIND_FIELD = re.compile(r"q-(\d{1,3})-kind")
NEW_OPTIONS = (Option("yes", {}), Option("no", {}))


@dataclass(frozen=True)
class Row:
    """A question in the form. names, helps, options: (language, what stands in the field)."""

    number: int
    question: Question
    kind: str
    names: list[tuple[str, str]]
    helps: list[tuple[str, str]]
    options: list[tuple[str, str]]
    problem: str
    is_open: bool


def read_rubric(data: QueryDict, languages: Sequence[str]) -> list[Question]:
    """The questions as they stand in the form, however wrong: the action judges them."""
    numbers = sorted(int(match[1]) for name in data if (match := KIND_FIELD.fullmatch(name)))
    written = sorted({match[1] for name in data if (match := NAME_FIELD.fullmatch(name))})
    languages = list(dict.fromkeys([*languages, *written]))
    questions: list[Question] = []
    for number in numbers[: MOST_QUESTIONS + 1]:
        taken = {question.key for question in questions}
        questions.append(_read(data, f"q-{number}-", languages, taken))
    return questions


def changed(questions: list[Question], button: str) -> list[Question]:
    """What a button of the form makes of the questions: add:scale, up:3, down:3, remove:3, preset:overall."""
    what, _, which = button.partition(":")
    if what == "add" and which in KINDS:
        return [*questions, _new(cast(Kind, which))]
    if what == "preset" and which in PRESETS:
        return list(PRESETS[which])
    number = int(which) if which.isascii() and which.isdigit() and len(which) < 4 else -1
    if not 0 <= number < len(questions):
        return questions
    others = questions[:number] + questions[number + 1 :]
    if what == "remove":
        return others
    places = {"up": number - 1, "down": number + 1}
    if what in places:
        others.insert(max(0, places[what]), questions[number])
        return others
    return questions


def rows_of(questions: Sequence[Question], first: Sequence[str], problems: dict[str, str]) -> list[Row]:
    """first: the project's languages. What is written in others, as in a preset, keeps its fields too."""
    written = (code for question in questions for code in question.name)
    languages = list(dict.fromkeys([*first, *written]))
    return [
        Row(
            number=number,
            question=question,
            kind=KINDS.get(question.kind, question.kind),
            names=[(code, question.name.get(code, "")) for code in languages],
            helps=[(code, question.help.get(code, "")) for code in languages],
            options=[(code, _lines(question.options, code, languages)) for code in languages],
            problem=problems.get(str(number), ""),
            is_open=str(number) in problems or not question.name.get(languages[0]),
        )
        for number, question in enumerate(questions)
    ]


def _new(kind: Kind) -> Question:
    options = NEW_OPTIONS if kind == "choice" else ()
    return Question(key="", kind=kind, per="completion", name={}, help={}, options=options)


def _read(data: QueryDict, prefix: str, languages: Sequence[str], taken: set[str]) -> Question:
    def sent(name: str) -> str:
        return str(data.get(prefix + name, "")).strip()

    def texts(name: str) -> dict[str, str]:
        found = {code: " ".join(sent(f"{name}-{code}").split()) for code in languages}
        return {code: text for code, text in found.items() if text}

    names = texts("name")
    kind, per = sent("kind"), sent("per")
    question = Question(
        key=sent("key") or _key_from(names.get(languages[0], ""), taken),
        kind=cast(Kind, kind if kind in KINDS else "text"),
        per=cast(Per, per if per in SCOPES else "completion"),
        name=names,
        help=texts("help"),
        is_required=bool(sent("required")) and kind != "flag",
    )
    if kind == "scale":
        return replace(question, low=_digit(sent("low")), high=_digit(sent("high")))
    if kind == "choice":
        columns = {code: str(data.get(f"{prefix}options-{code}", "")).splitlines() for code in languages}
        return replace(question, options=_options(columns, languages))
    return question


def _options(columns: dict[str, list[str]], languages: Sequence[str]) -> tuple[Option, ...]:
    """One a line; `key: name` or a name alone in the first language, in the others names in that order."""
    options: list[Option] = []
    others = {code: [line.strip() for line in columns[code] if line.strip()] for code in languages[1:]}
    for number, line in enumerate(line.strip() for line in columns[languages[0]] if line.strip()):
        key, colon, name = (part.strip() for part in line.partition(":"))
        if not (colon and KEY.fullmatch(key)):
            key, name = _key_from(line, {option.key for option in options}), line
        translated = {code: lines[number] for code, lines in others.items() if number < len(lines)}
        options.append(Option(key, {languages[0]: name} | translated))
    return tuple(options)


def _lines(options: Sequence[Option], code: str, languages: Sequence[str]) -> str:
    names = [(option.key, option.name.get(code, "")) for option in options]
    if code == languages[0]:
        return "\n".join(f"{key}: {name}" for key, name in names)
    return "\n".join(name for _, name in names)


def _key_from(name: str, taken: set[str]) -> str:
    """A key out of a name; of one in another script there is nothing to take, so it is numbered."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    key = re.sub(r"[^a-z0-9]+", "_", plain).strip("_0123456789")[:36].strip("_") or "question"
    number = 2
    unique = key
    while unique in taken:
        unique, number = f"{key}_{number}", number + 1
    return unique


def _digit(text: str) -> Any:
    return int(text) if re.fullmatch(r"[0-9]", text) else -1
