"""What is changed about many tasks at once: extra seats, priority, the set they are in.

A few statements whatever their number. Whoever asks for the next task meanwhile is given another one.
"""

from collections.abc import Collection

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.actions import audit
from labeling.errors import DomainError
from labeling.models import Project, Task, TaskSet, User

MOST_MORE = 20
MOST_SEATS = 30_000  # what its column holds, with room to spare
PRIORITIES = (-1000, 1000)


@transaction.atomic
def add_seats(*, project: Project, tasks: QuerySet[Task], seats: int, actor: User | None) -> int:
    """Ask so many more people about each of these tasks of the project; returns how many tasks that are.

    A complete one is open again; a withdrawn one stays so. Refuses what is no number of people.
    """
    if not 1 <= seats <= MOST_MORE:
        message = _("Ask 1 to %s people more.") % MOST_MORE
        raise DomainError("bad_seats", message, {"seats": message})
    changed = give_seats(_locked(project, tasks), seats=seats, actor=actor)
    audit.record("seats_added", actor=actor, project=project, data={"tasks": changed, "seats": seats})
    return changed


@transaction.atomic
def set_priority(*, project: Project, tasks: QuerySet[Task], priority: int, actor: User | None) -> int:
    """Hand these tasks of the project out before those of a lower priority; returns how many they are."""
    low, high = PRIORITIES
    if not low <= priority <= high:
        message = _("A priority is a number from %(low)s to %(high)s.") % {"low": low, "high": high}
        raise DomainError("bad_priority", message, {"priority": message})
    changed = give_priority(_locked(project, tasks), priority)
    audit.record("priority_set", actor=actor, project=project, data={"tasks": changed, "priority": priority})
    return changed


@transaction.atomic
def put_into_set(
    *, project: Project, tasks: QuerySet[Task], task_set: TaskSet | None, actor: User | None
) -> int:
    """Reserve these tasks of the project for whom the set is, or, without one, for nobody; returns how many.

    What people have open stays with them. Refuses a set of another project.
    """
    if task_set is not None and task_set.project_id != project.pk:
        raise DomainError("foreign_set", _("The set is another project's."))
    chosen = _locked(project, tasks)
    Task.objects.filter(pk__in=chosen).update(task_set=task_set)
    data = {"tasks": len(chosen), "set": task_set.name if task_set else ""}
    audit.record("put_into_set", actor=actor, project=project, subject=task_set, data=data)
    return len(chosen)


def give_seats(chosen: Collection[int], *, seats: int, actor: User | None) -> int:
    """To tasks that the caller has locked."""
    of_them = Task.objects.filter(pk__in=chosen)
    if of_them.filter(seats_wanted__gt=MOST_SEATS - seats).exists():
        raise DomainError("too_many_seats", _("A task has at most %s seats.") % MOST_SEATS)
    changed = of_them.update(seats_wanted=F("seats_wanted") + seats)
    transitions.change_tasks(chosen, Task.Status.COMPLETE, Task.Status.OPEN, actor=actor)
    return changed


def give_priority(chosen: Collection[int], priority: int) -> int:
    return Task.objects.filter(pk__in=chosen).update(priority=priority)


def _locked(project: Project, tasks: QuerySet[Task]) -> list[int]:
    """In the order of their numbers, so that two who change the same tasks wait for each other."""
    of_project = Task.objects.filter(project=project, pk__in=tasks.values("pk"))
    return list(of_project.select_for_update().order_by("pk").values_list("pk", flat=True))
