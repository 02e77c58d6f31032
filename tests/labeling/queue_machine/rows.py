"""Everything that one project's queue consists of, as it stands between two steps."""

from dataclasses import dataclass

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from labeling.models import (
    Assignment,
    AssignmentStatusChange,
    Membership,
    Project,
    QueuePlace,
    Submission,
    Suspension,
    Task,
    TaskSet,
    TaskStatusChange,
    User,
)

HELD = ("reserved", "leased")


@dataclass(frozen=True)
class Person:
    languages: tuple[str, ...]
    topics: tuple[str, ...]
    group: str
    is_qualified: bool
    is_suspended: bool
    is_set_aside: bool


@dataclass(frozen=True)
class Set:
    people: frozenset[int]
    group: str


@dataclass(frozen=True)
class Change:
    """A status that one task or seat came to."""

    pk: int
    subject: int
    was: str
    to: str


@dataclass(frozen=True)
class Rows:
    """By primary keys. The changes are those since the rows before these."""

    project: Project
    tasks: dict[int, Task]
    seats: dict[int, Assignment]  # each with is_over: its lease ran out
    people: dict[int, Person]
    sets: dict[int, Set]
    submissions: dict[int, Submission]
    places: dict[tuple, int]
    task_changes: list[Change]
    seat_changes: list[Change]
    since: tuple[int, int]

    @property
    def newest_changes(self) -> tuple[int, int]:
        """The last that are known of each."""
        kinds = zip((self.task_changes, self.seat_changes), self.since, strict=True)
        return tuple(max((one.pk for one in changes), default=before) for changes, before in kinds)

    def seats_of(self, person: int) -> list[Assignment]:
        return [seat for seat in self.seats.values() if seat.user_id == person]

    def seats_at(self, task: int) -> list[Assignment]:
        return [seat for seat in self.seats.values() if seat.task_id == task]

    def handed_out(self) -> list[tuple[Assignment, Change]]:
        """Whom the last step gave a seat, leased or reserved."""
        return [(self.seats[one.subject], one) for one in self.seat_changes if one.to in HELD]


def read_rows(project: Project, people: list[User], since: tuple[int, int]) -> Rows:
    """In as many queries as there are tables. since: the newest changes that are known already."""
    of_project = {"task__project": project}
    is_over = ExpressionWrapper(Q(lease_until__lte=Now()), output_field=BooleanField())
    seats = Assignment.objects.filter(**of_project).annotate(is_over=is_over)
    places = QueuePlace.objects.filter(project=project)
    submissions = Submission.objects.filter(project=project).select_related("ranking")
    return Rows(
        project=Project.objects.get(pk=project.pk),
        tasks={task.pk: task for task in Task.objects.filter(project=project).order_by("pk")},
        seats={seat.pk: seat for seat in seats.order_by("pk")},
        people=_people(project, people),
        sets={
            task_set.pk: Set(frozenset(person.pk for person in task_set.people.all()), task_set.group)
            for task_set in TaskSet.objects.filter(project=project).prefetch_related("people")
        },
        submissions={one.pk: one for one in submissions.order_by("pk")},
        places={
            (place.user_id, place.kind, *_shelf(place, place.task_set)): place.reached for place in places
        },
        task_changes=_changes(TaskStatusChange, {"subject__project": project}, since[0]),
        seat_changes=_changes(AssignmentStatusChange, {"subject__task__project": project}, since[1]),
        since=since,
    )


def shelf_of(task: Task) -> tuple:
    """What the tasks have in common that a place in the queue is remembered for."""
    return _shelf(task, task.task_set_id or 0)


def _shelf(row: Task | QueuePlace, task_set: int) -> tuple:
    return (row.purpose, task_set, row.language, tuple(row.topics), row.priority)


def _people(project: Project, people: list[User]) -> dict[int, Person]:
    keys = [person.pk for person in people]
    members = {
        member.user_id: member
        for member in Membership.objects.filter(project=project, user__in=keys).select_related("user")
    }
    in_force = Suspension.objects.filter(Q(project=project) | Q(project=None), user__in=keys, lifted_at=None)
    suspended = dict.fromkeys(keys, False)
    set_aside = set()
    for one in in_force:
        suspended[one.user_id] = True
        if one.sets_aside:
            set_aside.add(one.user_id)
    return {
        pk: Person(
            languages=tuple(member.languages),
            topics=tuple(member.user.topics),
            group=member.group,
            is_qualified=member.qualified_at is not None,
            is_suspended=suspended[pk],
            is_set_aside=pk in set_aside,
        )
        for pk, member in members.items()
    }


def _changes(model: type, of_project: dict, since: int) -> list[Change]:
    newer = model.objects.filter(**of_project, pk__gt=since).order_by("pk")
    return [Change(*row) for row in newer.values_list("pk", "subject", "from_status", "to_status")]
