"""Tasks with a known answer: gold, by which judgments are measured, and those of the qualification."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.actions import audit
from labeling.actions.submit import places_by_slot
from labeling.actions.tasks import open_ranking_task
from labeling.errors import Conflict, DomainError
from labeling.models import Assignment, Prompt, Task, User

KNOWN = (Task.Purpose.GOLD, Task.Purpose.QUALIFY)
MANY_SEATS = 1000  # for everybody who comes


@transaction.atomic
def set_reference(
    *,
    task: Task,
    places: Sequence[tuple[int, int]],
    purpose: str,
    actor: User,
    seats: int = MANY_SEATS,
) -> Task:
    """Say how a ranking task is rightly ranked, so that people can be measured or qualified by it.

    places: (slot, place), 1 is the best, as in a ranking. A task that nobody has taken is this task from now
    on. Of one that is done or withdrawn a copy is opened, for those who do not know its outputs: what was
    judged stays what it is. Whoever gives the answer is not asked. Refuses what is no ranking of all outputs
    or ties them all, a task to write, one whose answer is known already, and one that people are at
    (Conflict).
    """
    # Before the task, as whoever marks a prompt locks both.
    Prompt.objects.select_for_update(no_key=True).get(pk=task.prompt_id)
    task = Task.objects.select_for_update(of=("self",)).select_related("prompt__project").get(pk=task.pk)
    reference = _checked(task, places, purpose, seats)
    columns: dict[str, Any] = {
        "purpose": purpose,
        "reference_places": reference,
        "reference_by": actor,
        "seats_wanted": seats,
    }
    taken = task.assignments.exclude(status__in=Assignment.BARRED)
    if task.status == Task.Status.OPEN:
        if taken.exists():
            raise Conflict(
                "task_taken", _("People are at this task: wait until it is complete, or withdraw it first.")
            )
        Task.objects.filter(pk=task.pk).update(**columns)
        task.refresh_from_db()
        _bar(task, [actor])
        _keep(task, actor)
        return task
    copy = open_ranking_task(
        prompt=task.prompt,
        completions=[slot.completion for slot in task.slots.select_related("completion")],
        round=task.round,
        priority=task.priority,
        task_set=task.task_set,
        **columns,
    )
    assert copy is not None  # the outputs of a task differ
    _bar(copy, [actor, *(seat.user for seat in task.assignments.select_related("user"))])
    _keep(copy, actor)
    return copy


def _checked(task: Task, places: Sequence[tuple[int, int]], purpose: str, seats: int) -> list[int]:
    """The answer by slot."""
    if task.kind != Task.Kind.RANK or purpose not in KNOWN:
        raise DomainError("no_reference", _("Only a task to rank has an answer that can be known."))
    if task.reference_places is not None:
        raise Conflict("has_reference", _("Its answer is known already. Withdraw it, and take another task."))
    if not 1 <= seats <= MANY_SEATS:
        message = _("It is handed to 1 to %s people.") % MANY_SEATS
        raise DomainError("bad_seats", message, {"seats": message})
    slots = [slot.slot for slot in task.slots.all()]
    given = sorted(slot for slot, place in places if 1 <= place <= len(slots))
    if given != slots or len(places) != len(slots):
        message = _("Give each output a place from 1 to %s; nothing was changed.") % len(slots)
        raise DomainError("bad_reference", message, {"places": message})
    reference = places_by_slot(slots, places)
    if len(set(reference)) == 1:
        raise DomainError("all_tied", _("An answer in which all are equal measures nobody."))
    return reference


def _keep(task: Task, actor: User) -> None:
    audit.record("answer_known", actor=actor, project=task.project, subject=task, data={"for": task.purpose})


def _bar(task: Task, people: Sequence[User]) -> None:
    """They know the outputs, or the answer."""
    known = set(task.assignments.values_list("user", flat=True))
    for person in dict.fromkeys(people):
        if person.pk not in known:
            transitions.bar(task, person, Assignment.Status.SAW)
