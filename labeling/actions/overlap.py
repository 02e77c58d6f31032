"""The project's overlap, given to tasks that were opened under another one."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Greatest

from labeling import transitions
from labeling.actions import audit
from labeling.actions.tasks import is_drawn
from labeling.eligibility import WORK
from labeling.models import Project, Task, User


@transaction.atomic
def apply_overlap(*, project: Project, actor: User | None) -> int:
    """Give every open ranking task as many seats as the overlap says now; returns how many were changed.

    Never fewer than are taken; one that has all its submissions by that is complete. Seats that were added by
    hand count as any other. Tasks with a known answer are left alone.
    """
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    tasks = Task.objects.filter(
        project=project, kind=Task.Kind.RANK, status=Task.Status.OPEN, purpose__in=WORK
    )
    drawn: dict[bool, list[int]] = {True: [], False: []}
    rows = tasks.select_for_update(of=("self",)).order_by("pk").values_list("pk", "prompt__public_id")
    for pk, prompt in rows.iterator(chunk_size=5000):
        drawn[is_drawn(prompt, project.overlap_share)].append(pk)
    changed = _want(drawn[True], project.overlap_people) + _want(drawn[False], 1)
    full = transitions.complete_full_tasks(drawn[True] + drawn[False], actor=actor)
    data = {"tasks": changed, "completed": full}
    audit.record("overlap_applied", actor=actor, project=project, data=data)
    return changed


def _want(tasks: Iterable[int], seats: int) -> int:
    of_them = Task.objects.filter(pk__in=tasks).exclude(seats_wanted=seats)
    return of_them.update(seats_wanted=Greatest(Value(seats), "seats_taken"))
