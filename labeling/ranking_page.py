"""The ranking page: what it shows, and what it sends back in the actions' terms."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from labeling import actions, queries, rubric_queries
from labeling.errors import DomainError
from labeling.forms import SentSubmission
from labeling.models import Assignment, RubricVersion, Submission, output_letter
from labeling.rubrics.answers import Given, contradictions, field_of, from_fields, to_fields
from labeling.rubrics.questions import Question, in_language, letters_of, overall_scale

HAN = re.compile("[\u3400-\u9fff]")
MOST_PAIRS_NAMED = 4


@dataclass(frozen=True)
class AskedQuestion:
    """A question where it is asked: with the name of its field and what was entered there."""

    field: str
    kind: str
    name: str
    help: str
    is_required: bool
    is_overall: bool
    letter: str
    # (value, label, is chosen) of a scale or a choice.
    options: list[tuple[str, str, bool]]
    entered: str
    problem: str


@dataclass(frozen=True)
class OutputShown:
    output: queries.Output
    place: str
    questions: list[AskedQuestion]

    @property
    def length(self) -> str:
        """In words; a text with Chinese characters, which has no spaces between words, in characters."""
        text = self.output.text
        if HAN.search(text):
            n = sum(not character.isspace() for character in text)
            return ngettext("%d character", "%d characters", n) % n
        n = len(text.split())
        return ngettext("%d word", "%d words", n) % n


class Contradicted(DomainError):
    """The ranking says otherwise than the ratings of the same page; sent once more it stands."""


def shown(
    assignment: Assignment,
    entered: Mapping[str, Any],
    newest: Submission | None,
    error: DomainError | None = None,
) -> dict[str, Any]:
    """What the template needs besides what every task has. newest: what the person submitted last."""
    entered = entered or (_entered_in(newest) if newest else {})
    rubric = rubric_queries.rubric_shown(assignment.task.project, str(entered.get("rubric_version", "")))
    questions = rubric.asked if rubric else ()
    problems = error.fields if error else {}
    places, answers = _dict(entered.get("places")), _dict(entered.get("answers"))

    outputs = [
        OutputShown(
            output,
            str(places.get(str(output.number), "")),
            asked(questions, output.number, answers, problems),
        )
        for output in queries.outputs_of(assignment)
    ]
    return {
        "outputs": outputs,
        "is_pair": len(outputs) == 2,
        "choice": _choice([row.place for row in outputs]),
        "rubric": rubric if questions else None,
        "prompt_questions": asked(questions, None, answers, problems),
        "strength": str(entered.get("strength", "")),
        "comment": str(entered.get("comment", "")),
        "mode": str(entered.get("mode", "")),
        "contradicts": isinstance(error, Contradicted),
    }


def take(assignment: Assignment, sent: SentSubmission) -> Submission:
    """Submit what the page sent: a ranking, or that nothing can be ranked."""
    rubric = rubric_queries.rubric_shown(assignment.task.project, sent.rubric_version)
    given = from_fields(rubric.asked if rubric else (), sent.answers)
    common = sent.common | {"answers": given, "rubric_version": rubric}
    if sent.verdict:
        return actions.set_aside(assignment=assignment, verdict=sent.verdict, **common)
    if rubric and not sent.contradiction_seen:
        _point_out(rubric, given, dict(sent.places))
    return actions.submit_ranking(assignment=assignment, places=sent.places, strength=sent.strength, **common)


def _point_out(rubric: RubricVersion, given: Sequence[Given], places: Mapping[int, int]) -> None:
    found = contradictions(rubric.asked, given, places)
    if not found:
        return
    pairs = [
        _("%(above)s is placed before %(below)s, and you rated it %(low)s against %(high)s.")
        % {
            "above": output_letter(pair.above),
            "below": output_letter(pair.below),
            "low": pair.rating_above,
            "high": pair.rating_below,
        }
        for pair in found[:MOST_PAIRS_NAMED]
    ]
    message = _("Your ranking and your ratings differ.") + " " + " ".join(pairs)
    raise Contradicted("contradiction", message)


def _entered_in(submission: Submission) -> dict[str, Any]:
    """What was submitted, for a page that is opened again to revise it."""
    shown = submission.assignment.display_order
    number_of = {slot: number for number, slot in enumerate(shown, start=1)}
    answers = [
        Given(answer.question, number_of.get(answer.slot) if answer.slot else None, answer.value)
        for answer in submission.answers.all()
    ]
    before: dict[str, Any] = {"answers": to_fields(answers), "comment": submission.comment}
    if submission.rubric_version is not None:
        before["rubric_version"] = str(submission.rubric_version.public_id)
    if submission.verdict == Submission.Verdict.RANKED:
        places = submission.ranking.places
        before["places"] = {str(number): places[slot - 1] for slot, number in number_of.items()}
        before["strength"] = submission.ranking.strength or ""
    return before


def asked(
    questions: Sequence[Question],
    output: int | None,
    answers: Mapping[str, Any] = MappingProxyType({}),
    problems: Mapping[str, str] = MappingProxyType({}),
) -> list[AskedQuestion]:
    """The questions about this output, or about the prompt, in the language of the page."""
    language, letters, overall = get_language() or "en", letters_of(questions), overall_scale(questions)
    per = "prompt" if output is None else "completion"
    found = []
    for question in questions:
        if question.per != per:
            continue
        field = field_of(question.key, output)
        entered = str(answers.get(field, ""))
        found.append(
            AskedQuestion(
                field=field,
                kind=question.kind,
                name=in_language(question.name, language),
                help=in_language(question.help, language),
                is_required=question.is_required,
                is_overall=question is overall,
                letter=letters.get(question.key, ""),
                options=[(value, label, value == entered) for value, label in _options(question, language)],
                entered=entered,
                problem=problems.get(field, ""),
            )
        )
    return found


def _options(question: Question, language: str) -> list[tuple[str, str]]:
    if question.kind == "scale":
        return [(str(value), str(value)) for value in range(question.low, question.high + 1)]
    return [(option.key, in_language(option.name, language)) for option in question.options]


def _choice(places: Sequence[str]) -> str:
    """Which of two outputs was chosen, in the words of the buttons."""
    return {("1", "2"): "left", ("2", "1"): "right", ("1", "1"): "tie"}.get(tuple(places), "")  # type: ignore[arg-type]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
