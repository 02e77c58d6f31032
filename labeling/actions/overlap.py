"""The project's overlap, given to tasks that were opened under another one."""

from collections.abc import Collection, Sequence

from django.db.models import Value
from django.db.models.functions import Greatest

from labeling import transitions
from labeling.actions.tasks import is_drawn
from labeling.eligibility import WORK
from labeling.models import Project, Prompt, Task, User


def give_overlap(*, tasks: Sequence[Task], actor: User) -> int:
    """To tasks of a project that the caller has locked: as many seats as its overlap says now.

    Never fewer than are taken; one that has all its submissions by that is complete. Seats that were added by
    hand count as any other. Only open ranking tasks, and none with a known answer; returns how many changed.
    """
    open_ones = [task for task in tasks if _is_concerned(task)]
    if not open_ones:
        return 0
    project = Project.objects.get(pk=open_ones[0].project_id)
    prompts = Prompt.objects.filter(pk__in={task.prompt_id for task in open_ones})
    ids = dict(prompts.values_list("pk", "public_id"))
    drawn: dict[bool, list[int]] = {True: [], False: []}
    for task in open_ones:
        drawn[is_drawn(ids[task.prompt_id], project.overlap_share)].append(task.pk)
    changed = _want(drawn[True], project.overlap_people) + _want(drawn[False], 1)
    transitions.complete_full_tasks(drawn[True] + drawn[False], actor=actor)
    return changed


def _is_concerned(task: Task) -> bool:
    return task.kind == Task.Kind.RANK and task.status == Task.Status.OPEN and task.purpose in WORK


def _want(tasks: Collection[int], seats: int) -> int:
    of_them = Task.objects.filter(pk__in=tasks).exclude(seats_wanted=seats)
    return of_them.update(seats_wanted=Greatest(Value(seats), "seats_taken"))
