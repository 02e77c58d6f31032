"""Opening tasks."""

import random
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.actions import audit
from labeling.errors import Conflict, DomainError
from labeling.likeness import ReadText
from labeling.models import Assignment, Completion, Prompt, Task, TaskCompletion, TaskSet, User


@transaction.atomic
def open_ranking_task(
    *,
    prompt: Prompt,
    completions: Sequence[Completion],
    round: int = 1,
    purpose: str = Task.Purpose.COLLECT,
    priority: int = 0,
    task_set: TaskSet | None = None,
    **known: Any,
) -> Task | None:
    """Ask people to rank these completions of one prompt; those who wrote one of them are never asked.

    Equal and near-identical texts share one place in the slate, the first of them, since nobody can order
    them. Fewer than two different texts leave nothing to rank: no task is opened and None is returned.
    known: the columns of a known answer (known_tasks.py), with its seats.
    """
    if any(completion.prompt_id != prompt.pk for completion in completions):
        raise DomainError("foreign_completion", _("All outputs of a task must answer its own prompt."))
    distinct = that_differ(completions)
    if len(distinct) < 2:
        return None
    if len(distinct) > 9:
        raise DomainError("too_many_completions", _("A ranking has at most 9 outputs."))
    task = Task.objects.create(
        **of_prompt(_as_it_is_now(prompt)),
        kind=Task.Kind.RANK,
        purpose=purpose,
        round=round,
        priority=priority,
        task_set=task_set,
        **{"seats_wanted": seats_for(prompt)} | known,
    )
    TaskCompletion.objects.bulk_create(
        TaskCompletion(task=task, slot=slot, completion=completion)
        for slot, completion in enumerate(distinct, start=1)
    )
    _bar_writers(task, distinct)
    return task


def that_differ(completions: Iterable[Completion], *, most: int | None = None) -> list[Completion]:
    """Without those that are near-identical to one before them; so many of them at most."""
    distinct: list[tuple[ReadText, Completion]] = []
    for completion in completions:
        if len(distinct) == most:
            break
        text = ReadText(completion.text)
        if not any(text.is_near_identical(other) for other, _completion in distinct):
            distinct.append((text, completion))
    return [completion for _text, completion in distinct]


def _bar_writers(task: Task, completions: Sequence[Completion]) -> None:
    """Nobody judges what they wrote. Of imported texts no person here is the author."""
    wrote = {completion.author_id for completion in completions if completion.author_id is not None}
    for writer in User.objects.filter(pk__in=wrote).exclude(kind=User.Kind.IMPORT).order_by("pk"):
        transitions.bar(task, writer, Assignment.Status.WROTE)


def of_prompt(prompt: Prompt) -> dict[str, Any]:
    """The columns that every task of a prompt has from it: it goes to whom they fit (eligibility)."""
    return {
        "project_id": prompt.project_id,
        "prompt": prompt,
        "language": prompt.language,
        "topics": prompt.topics,
    }


def _as_it_is_now(prompt: Prompt) -> Prompt:
    """Locked, so that a topic that is marked at this moment reaches the new task too."""
    return Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)


def seats_for(prompt: Prompt) -> int:
    """How many people judge this prompt's outputs: the project's overlap, drawn by the prompt's own id."""
    project = prompt.project
    return project.overlap_people if is_drawn(prompt.public_id, project.overlap_share) else 1


def is_drawn(prompt: uuid.UUID, share: float) -> bool:
    """Whether the prompt of this id is among the share that several people judge; with more, it still is."""
    return random.Random(prompt.int).random() < share


@transaction.atomic
def open_demonstration_task(*, prompt: Prompt, round: int = 1, priority: int = 0) -> Task:
    """Ask somebody to write the ideal answer to this prompt; asked twice in a round it is one task."""
    return Task.objects.get_or_create(
        project_id=prompt.project_id,
        prompt=prompt,
        kind=Task.Kind.DEMONSTRATE,
        purpose=Task.Purpose.COLLECT,
        round=round,
        defaults=of_prompt(_as_it_is_now(prompt)) | {"priority": priority},
    )[0]


@transaction.atomic
def withdraw_task(*, task: Task, actor: User | None) -> Task:
    """Hand it out no more; what people have open can be submitted, what they submitted stays.

    Refuses a task that is complete or withdrawn already (Conflict).
    """
    task = Task.objects.select_for_update().get(pk=task.pk)
    if task.status != Task.Status.OPEN:
        raise Conflict(
            "task_not_open", _("The task is %s; only an open one is withdrawn.") % task.get_status_display()
        )
    transitions.change_task(task, Task.Status.WITHDRAWN, actor=actor)
    audit.record("task_withdrawn", actor=actor, project=task.project, subject=task)
    return task


@transaction.atomic
def reopen_task(*, task: Task, actor: User | None) -> Task:
    """Hand a withdrawn task out again, or ask one more person to do a complete one.

    A withdrawn task that has its submissions by now is complete. Refuses an open one (Conflict).
    """
    task = Task.objects.select_for_update().get(pk=task.pk)
    if task.status == Task.Status.OPEN:
        raise Conflict("task_is_open", _("The task is open already."))
    if task.status == Task.Status.COMPLETE:
        task.seats_wanted += 1
        task.save(update_fields=["seats_wanted"])
    submitted = task.assignments.filter(status=Assignment.Status.SUBMITTED, holds_seat=True).count()
    is_full = submitted >= task.seats_wanted
    transitions.change_task(task, Task.Status.COMPLETE if is_full else Task.Status.OPEN, actor=actor)
    audit.record(
        "task_reopened", actor=actor, project=task.project, subject=task, data={"seats": task.seats_wanted}
    )
    return task
