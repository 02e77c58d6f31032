"""Taking in what people submit."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import wraps
from typing import ParamSpec, cast

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.actions.leases import take_seat
from labeling.actions.prompts import add_completion
from labeling.actions.qualification import settle_qualification
from labeling.actions.texts import check_storable
from labeling.composed import Composed, asked
from labeling.errors import Conflict, DomainError
from labeling.models import (
    Answer,
    Assignment,
    Completion,
    Demonstration,
    Project,
    Ranking,
    RubricVersion,
    Submission,
    Task,
    User,
    output_letter,
)
from labeling.pauses import is_paused
from labeling.rubric_queries import newest_rubric
from labeling.rubrics.answers import Given, Place, Value, checked_answers

_LOCKED = Composed(lambda: Assignment.objects.select_for_update().filter(pk=asked("assignment")))

Asked = ParamSpec("Asked")


def _again_when_overtaken(submit: Callable[Asked, Submission]) -> Callable[Asked, Submission]:
    """In a transaction; when somebody was faster, in another one with the row as it is by then."""

    @wraps(submit)
    def again(*args: Asked.args, **given: Asked.kwargs) -> Submission:
        assignment = cast(Assignment, given["assignment"])
        while True:
            is_one_message = _is_handed_in_alone(assignment, given.get("answers"))
            try:
                with nullcontext() if is_one_message else transaction.atomic():
                    return submit(*args, **given)
            except transitions.Overtaken:
                assignment.refresh_from_db(fields=["status", "holds_seat", "lease_until"])

    return again


def _is_handed_in_alone(assignment: Assignment, answers: object) -> bool:
    """Whether nothing is written but by `hand_in`: what that sends at once is a transaction by itself."""
    task = assignment.task
    is_leased = assignment.status == Assignment.Status.LEASED and assignment.holds_seat
    is_plain = task.kind == Task.Kind.RANK and task.purpose != Task.Purpose.QUALIFY
    return is_leased and is_plain and not answers


@_again_when_overtaken
def submit_ranking(
    *,
    assignment: Assignment,
    places: Sequence[tuple[int, int]],
    idempotency_key: str,
    strength: int | None = None,
    answers: Sequence[Given] = (),
    rubric_version: RubricVersion | None = None,
    active_seconds: int | None = None,
    comment: str = "",
) -> Submission:
    """Take in an ordering of all outputs of a task, with the answers to the rubric's questions.

    places: (output, place) pairs; the output is its number 1…K as this person saw it, 1 is the best
    place and equal places are ties. Numbers left out between places are closed up (1, 1, 3 is 1, 1, 2).
    strength: of two outputs that differ, 1 slightly … 3 much. rubric_version: what the page asked; the
    newest when it is not said. A second submission is a new revision; the same idempotency key again returns
    the first. Refuses an output without a place, twice or unknown, and answers that are missing or do not
    fit. A submission after the lease is taken, marked late.
    """
    check_storable("idempotency_key", idempotency_key)
    assignment = _as_it_is(assignment, Task.Kind.RANK)
    if known := _submitted_before(assignment, idempotency_key):
        return known
    check_storable("comment", comment)
    by_slot = places_by_slot(assignment.display_order, places)
    _check_strength(strength, by_slot)
    rubric = _rubric_of(assignment, rubric_version)
    # Simulated annotators only rank: nothing was asked of them.
    if assignment.user.kind == User.Kind.SIMULATED and not answers:
        rubric = None
    checked = _checked(rubric, assignment, answers, must_be_whole=True)
    submission = _new_submission(
        assignment,
        idempotency_key,
        active_seconds,
        comment,
        Submission.Verdict.RANKED,
        rubric,
        Ranking(places=by_slot, strength=strength),
    )
    _keep_answers(submission, assignment, checked)
    settle_qualification(submission)
    return submission


@_again_when_overtaken
def set_aside(
    *,
    assignment: Assignment,
    verdict: str,
    idempotency_key: str,
    answers: Sequence[Given] = (),
    rubric_version: RubricVersion | None = None,
    active_seconds: int | None = None,
    comment: str = "",
) -> Submission:
    """Take in that a task to rank cannot be ranked: none of its outputs is usable, or its prompt is at fault.

    It takes the seat as a ranking does and trains nothing. Answers are kept as far as they were given.
    """
    check_storable("idempotency_key", idempotency_key)
    assignment = _as_it_is(assignment, Task.Kind.RANK)
    if known := _submitted_before(assignment, idempotency_key):
        return known
    if verdict not in {Submission.Verdict.NONE_USABLE, Submission.Verdict.PROMPT_PROBLEM}:
        raise DomainError("bad_verdict", _("There is no such verdict; reload the page."))
    check_storable("comment", comment)
    rubric = _rubric_of(assignment, rubric_version)
    checked = _checked(rubric, assignment, answers, must_be_whole=False)
    submission = _new_submission(
        assignment, idempotency_key, active_seconds, comment, Submission.Verdict(verdict), rubric
    )
    _keep_answers(submission, assignment, checked)
    settle_qualification(submission)
    return submission


@_again_when_overtaken
def submit_demonstration(
    *,
    assignment: Assignment,
    text: str,
    idempotency_key: str,
    active_seconds: int | None = None,
    comment: str = "",
    pasted_characters: int | None = None,
    assistance: str = "",
    assistance_tool: str = "",
) -> Submission:
    """Take in the ideal answer a person wrote; rules as for rankings. Refuses an empty text.

    pasted_characters: as the page counted them, None when it did not. assistance: the writer's own word on
    what part a machine had, empty when they say nothing. Both are kept and never a reason to refuse.
    """
    check_storable("idempotency_key", idempotency_key)
    assignment = _as_it_is(assignment, Task.Kind.DEMONSTRATE)
    if known := _submitted_before(assignment, idempotency_key):
        return known
    if not text.strip():
        message = _("Write an answer first; nothing was sent.")
        raise DomainError("empty_text", message, {"text": message})
    check_storable("text", text)
    check_storable("comment", comment)
    check_storable("assistance_tool", assistance_tool)
    submission = _new_submission(
        assignment, idempotency_key, active_seconds, comment, Submission.Verdict.WRITTEN
    )
    completion = add_completion(
        prompt=assignment.task.prompt, text=text, origin=Completion.Origin.PERSON, author=assignment.user
    )
    Demonstration.objects.create(
        submission=submission,
        completion=completion,
        pasted_characters=pasted_characters,
        assistance=assistance if assistance in Demonstration.Assistance.values else "",
        assistance_tool=assistance_tool.strip()[:200],
    )
    return submission


def places_by_slot(display_order: Sequence[int], places: Sequence[tuple[int, int]]) -> list[int]:
    """Places by slot from (output as displayed, place) pairs; DomainError names what is off."""
    count = len(display_order)
    given: dict[int, int] = {}
    fields: dict[str, str] = {}
    for output, place in places:
        name = output_letter(output) if 1 <= output <= 9 else str(output)
        if not 1 <= output <= count:
            fields[f"place-{output}"] = _("There is no output number %s.") % output
        elif output in given:
            fields[f"place-{output}"] = _("Output %s has two places.") % name
        elif not 1 <= place <= count:
            fields[f"place-{output}"] = _("Output %(output)s: a place is a number from 1 to %(count)s.") % {
                "output": name,
                "count": count,
            }
        given[output] = place
    for output in range(1, count + 1):
        if output not in given:
            fields[f"place-{output}"] = _("Output %s has no place yet.") % output_letter(output)
    if fields:
        message = _("The ranking is not complete; nothing was sent.") + " " + " ".join(fields.values())
        raise DomainError("bad_ranking", message, fields)
    closed_up = {place: rank for rank, place in enumerate(sorted(set(given.values())), start=1)}
    by_slot = {slot: closed_up[given[output]] for output, slot in enumerate(display_order, start=1)}
    return [by_slot[slot] for slot in sorted(by_slot)]


def _check_strength(strength: int | None, by_slot: Sequence[int]) -> None:
    if strength is None:
        return
    if sorted(by_slot) != [1, 2] or not 1 <= strength <= 3:
        message = _("How much better, from 1 to 3, is said of two outputs that are not tied.")
        raise DomainError("bad_strength", message, {"strength": message})


def _rubric_of(assignment: Assignment, asked: RubricVersion | None) -> RubricVersion | None:
    project = assignment.task.project
    if asked is not None and asked.project_id != project.pk:
        raise DomainError("bad_rubric_version", _("The rubric is another project's; reload the page."))
    return asked or newest_rubric(project)


def _checked(
    rubric: RubricVersion | None, assignment: Assignment, answers: Sequence[Given], *, must_be_whole: bool
) -> dict[Place, Value]:
    check_storable("answers", [answer.value for answer in answers])
    outputs = len(assignment.display_order)
    questions = rubric.asked if rubric else ()
    return checked_answers(questions, answers, outputs=outputs, must_be_whole=must_be_whole)


def _keep_answers(submission: Submission, assignment: Assignment, answers: Mapping[Place, Value]) -> None:
    kept = [
        Answer(
            submission=submission,
            question=question,
            slot=None if output is None else assignment.display_order[output - 1],
            value=value,
        )
        for (question, output), value in answers.items()
    ]
    if kept:
        Answer.objects.bulk_create(kept)


def _as_it_is(assignment: Assignment, kind: Task.Kind) -> Assignment:
    """As the caller read it while it is leased, since `hand_in` sees whether it still is; else locked."""
    task = assignment.task
    if task.kind != kind:
        raise DomainError("wrong_kind", _("This task asks for something else; reload the page."))
    if assignment.status == Assignment.Status.LEASED:
        return assignment
    [locked] = _LOCKED.all(assignment=assignment.pk)
    locked.task, locked.user = task, assignment.user
    return locked


def _submitted_before(assignment: Assignment, idempotency_key: str) -> Submission | None:
    if assignment.status != Assignment.Status.SUBMITTED:  # then nothing was
        return None
    return assignment.submissions.filter(idempotency_key=idempotency_key).first()


def _next_revision(assignment: Assignment) -> int:
    if assignment.status != Assignment.Status.SUBMITTED:
        return 1
    return (assignment.submissions.aggregate(n=Max("revision"))["n"] or 0) + 1


def _new_submission(
    assignment: Assignment,
    idempotency_key: str,
    active_seconds: int | None,
    comment: str,
    verdict: Submission.Verdict,
    rubric_version: RubricVersion | None = None,
    ranking: Ranking | None = None,
) -> Submission:
    """The next revision, with the seat taken if there is one still free."""
    task = assignment.task
    if assignment.status in Assignment.BARRED:
        raise Conflict(
            "barred", _("You have seen what others made of this task: it is not yours to judge any more.")
        )
    is_revised = assignment.status == Assignment.Status.SUBMITTED
    if is_revised and is_paused(Project.objects.get(pk=task.project_id)):
        raise Conflict(
            "paused", _("The project is paused: what you have submitted can be changed when it goes on.")
        )
    is_simulated = assignment.user.kind == User.Kind.SIMULATED
    submission = Submission(
        assignment=assignment,
        project_id=task.project_id,
        revision=_next_revision(assignment),
        idempotency_key=idempotency_key,
        origin=Submission.Origin.SIMULATED if is_simulated else Submission.Origin.PERSON,
        rubric_version=rubric_version,
        verdict=verdict,
        comment=comment,
    )
    takes_seat = not assignment.holds_seat and take_seat(assignment)
    transitions.hand_in(
        submission,
        active_seconds=active_seconds,
        ranking=ranking,
        is_late=_is_late(assignment),
        may_fill=takes_seat or not is_revised,
    )
    return submission


def _is_late(assignment: Assignment) -> bool | None:
    """None while it is leased: the database's clock says whether the lease is over."""
    if assignment.status == Assignment.Status.LEASED:
        return None
    if assignment.status == Assignment.Status.SUBMITTED:
        return assignment.submissions.filter(revision=1, is_late=True).exists()
    return assignment.status == Assignment.Status.EXPIRED
