"""Who may be given which task: one rule for the claim, the counts and the reasons why there is nothing.

A task fits a person when they work in its language, have said yes to each of its sensitive topics, and it is
in a set that is for them or in none. Whoever has yet to qualify is given the tasks of the qualification and
no others. Nobody is handed more in a day than the project's cap leaves them, and nobody a task at which they
have a row already: they had it, wrote one of its outputs, or have seen what others made of it.
The rule stands here as a condition of the ORM, as one of SQL and as a question about one task;
tests/labeling/test_eligibility.py holds them together.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, F, FilteredRelation, OuterRef, Q, QuerySet, When
from django.db.models.functions import Now

from labeling.composed import Composed, asked
from labeling.days import today_in
from labeling.models import (
    Assignment,
    Project,
    Submission,
    Suspension,
    Task,
    TaskSet,
    Topic,
    User,
)
from labeling.statements import Asking

WORK = (Task.Purpose.COLLECT, Task.Purpose.EVALUATE)
# Of a row `pool` with a language and topics. Its purpose and set are chosen before (free_seats.py).
FITS = """
    pool.topics <@ %(topics)s::varchar[]
    AND (%(anywhere)s OR pool.language = ANY(%(languages)s::varchar[]))
"""


@dataclass(frozen=True)
class Eligibility:
    """What one person may be given in one project.

    languages: in which they work; empty: in all. topics: that they have said yes to.
    left_today: how many tasks more may be handed to them before the day is over; None: no cap.
    sets: primary keys of the task sets that are for them. must_qualify: the qualification comes first.
    is_suspended: they are kept out, and came through the door before that was said.
    has_begun: they have something anywhere that they hold or let expire.
    is_measured: tasks with a known answer are mixed in with the others, and counted with them, since a number
    that does not go down would tell which they were.
    """

    languages: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    left_today: int | None = None
    sets: tuple[int, ...] = ()
    must_qualify: bool = False
    is_measured: bool = False
    is_suspended: bool = False
    has_begun: bool = False

    @property
    def is_day_full(self) -> bool:
        return self.left_today == 0

    @property
    def purposes(self) -> tuple[Task.Purpose, ...]:
        if self.must_qualify:
            return (Task.Purpose.QUALIFY,)
        return (*WORK, Task.Purpose.GOLD) if self.is_measured else WORK

    def welcome(self, at: str = "") -> Q:
        """Tasks, or rows with a task at this path, on no topic that they have not said yes to."""
        return Q(**{f"{at}topics__contained_by": list(self.topics)})

    def in_language(self, at: str = "") -> Q:
        """Tasks, or rows with a task at this path, in a language in which they work."""
        return Q(**{f"{at}language__in": self.languages}) if self.languages else Q()

    def for_them(self, at: str = "") -> Q:
        """Tasks, or rows with a task at this path, reserved for nobody else and of a purpose for them."""
        in_set = Q(**{f"{at}task_set__isnull": True}) | Q(**{f"{at}task_set__in": self.sets})
        return in_set & Q(**{f"{at}purpose__in": self.purposes})

    def fits(self, at: str = "") -> Q:
        """Tasks, or rows with a task at this path, that they may be given while the day is not full."""
        return self.welcome(at) & self.in_language(at) & self.for_them(at)

    def allows(self, task: Task) -> bool:
        return (
            set(task.topics) <= set(self.topics)
            and (not self.languages or task.language in self.languages)
            and (task.task_set_id is None or task.task_set_id in self.sets)
            and task.purpose in self.purposes
        )

    def parameters(self) -> dict[str, Any]:
        """Of the condition FITS, and the sets in which to look: 0 stands for none."""
        return {
            "topics": list(self.topics),
            "languages": list(self.languages),
            "anywhere": not self.languages,
            "sets": [0, *self.sets],
        }


def eligibility_of(user: User, project: Project, *before: Asking) -> Eligibility:
    """As the database has it, after what is asked before.

    Simulated annotators read nothing: they need no care, no day and no qualification. They are of no group.
    """
    [row] = _PERSON.all(*before, user=user.pk, project=project.pk)
    kind, topics, languages, qualified_at, sets, is_suspended, has_begun = row
    if kind == User.Kind.SIMULATED:
        return Eligibility(topics=tuple(Topic.values), sets=tuple(sets), has_begun=has_begun)
    return Eligibility(
        languages=tuple(languages or ()),
        topics=tuple(topics),
        left_today=_left_today(user, project),
        sets=tuple(sets),
        must_qualify=project.requires_qualification and not qualified_at,
        is_measured=project.gold_share > 0,
        is_suspended=is_suspended,
        has_begun=has_begun,
    )


def _sets_for(user: Any, project: Any, group: Any) -> QuerySet[TaskSet, int]:
    """The sets that name this person or their group, and those that are for all."""
    for_all = Q(people__isnull=True, group="")
    sets = TaskSet.objects.filter(for_all | Q(people=user) | Q(group=group), project=project)
    return sets.order_by("pk").distinct().values_list("pk", flat=True)


def _unfinished(user: Any) -> QuerySet[Assignment]:
    held_or_expired = (Assignment.Status.RESERVED, Assignment.Status.LEASED, Assignment.Status.EXPIRED)
    return Assignment.objects.filter(user=user, status__in=held_or_expired)


def _suspensions(user: Any, project: Any) -> QuerySet[Suspension]:
    return Suspension.objects.filter(Q(project=project) | Q(project=None), user=user, lifted_at=None)


# Site admins and simulated annotators need no role; what is the project's own is alike in all roles.
_PERSON = Composed(
    lambda: (
        User.objects.filter(pk=asked("user"))
        .annotate(here=FilteredRelation("memberships", condition=Q(memberships__project=asked("project"))))
        .annotate(group_here=Case(When(~Q(kind=User.Kind.SIMULATED), then=F("here__group"))))
        .order_by("here__pk")
        .values_list(
            "kind",
            "topics",
            "here__languages",
            "here__qualified_at",
            ArraySubquery(_sets_for(asked("user"), asked("project"), OuterRef("group_here"))),
            Exists(_suspensions(asked("user"), asked("project"))),
            Exists(_unfinished(asked("user"))),
        )[:1]
    )
)


def _left_today(user: User, project: Project) -> int | None:
    """What the cap leaves after today's submissions, without revisions, and what they have open."""
    if project.daily_cap is None:
        return None
    submitted = Submission.objects.filter(
        assignment__user=user,
        assignment__task__project=project,
        revision=1,
        created_at__gte=today_in(project).begin,
    )
    held = Assignment.objects.filter(
        user=user, task__project=project, status=Assignment.Status.LEASED, lease_until__gt=Now()
    )
    # One that is opened again to be revised is submitted, not leased: nothing counts twice.
    return max(0, project.daily_cap - submitted.count() - held.count())
