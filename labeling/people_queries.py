"""What each person of a project has done, how long it takes them, and how far they agree with the others."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Max, Q, Sum
from django.utils.translation import gettext_lazy as _

from labeling.agreement import Agreement
from labeling.agreement_queries import Measured, agreement_in
from labeling.models import DailyWork, Membership, Project, Task, User

Role = Membership.Role
RECENT = 5000  # the project's newest submissions, of which the usual times are taken

# The newest by an index; how long each took is in the row, so that no text is read.
TIMES = """
    SELECT seat.user_id, task.kind,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY recent.active_seconds), count(*)
    FROM (
        SELECT assignment_id, active_seconds FROM labeling_submission
        WHERE project_id = %(project)s AND origin = 'person' ORDER BY id DESC LIMIT %(most)s
    ) AS recent
    JOIN labeling_assignment AS seat ON seat.id = recent.assignment_id
    JOIN labeling_task AS task ON task.id = seat.task_id
    WHERE recent.active_seconds IS NOT NULL
    GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Pace:
    """The median time for a task, over so many of them."""

    seconds: float
    tasks: int


@dataclass
class PersonWork:
    """One person's work in one project. last_day: with work on it, by the project's calendar.

    is_member: has a role here. is_labeler: one whose work it is to judge, so that it is missed.
    """

    user: User
    is_member: bool
    is_labeler: bool
    ranked: int = 0
    written: int = 0
    seconds: int = 0
    accepted: int = 0
    returned: int = 0
    last_day: datetime.date | None = None
    ranking_pace: Pace | None = None
    writing_pace: Pace | None = None
    agreement: Agreement | None = None

    @property
    def submitted(self) -> int:
        return self.ranked + self.written

    @property
    def hours(self) -> float:
        return self.seconds / 3600


# What the table is sorted by: a word in the address → the value; what is not known comes last.
ORDERS: Mapping[str, Any] = {
    "name": lambda work: str(work.user).casefold(),
    "tasks": lambda work: -work.submitted,
    "hours": lambda work: -work.seconds,
    "ranking": lambda work: work.ranking_pace.seconds if work.ranking_pace else None,
    "writing": lambda work: work.writing_pace.seconds if work.writing_pace else None,
    "accepted": lambda work: -work.accepted,
    "returned": lambda work: -work.returned,
    "agreement": lambda work: work.agreement.share if work.agreement and work.agreement.pairs else None,
    "seen": lambda work: -work.last_day.toordinal() if work.last_day else None,
}


# The columns of the table: how it is sorted by one, its title, whether it holds numbers.
COLUMNS = (
    ("name", _("Person"), False),
    ("tasks", _("Tasks"), True),
    ("hours", _("Active time"), True),
    ("ranking", _("Per ranking"), True),
    ("writing", _("Per answer"), True),
    ("accepted", _("Accepted"), True),
    ("returned", _("Returned"), True),
    ("agreement", _("Agreement"), True),
    ("seen", _("Last worked"), False),
)


def table_of(project: Project, *, sort: str) -> dict[str, Any]:
    """What the page of people shows of their work."""
    measured = agreement_in([project])[project.pk]
    order = sort if sort in ORDERS else "tasks"
    return {
        "work": ordered(work_of_each(project, measured), order),
        "measured": measured,
        "columns": COLUMNS,
        "sort": order,
        "recent": RECENT,
    }


def work_of_each(project: Project, measured: Measured) -> list[PersonWork]:
    """Everybody who works or worked here, members first; programs and authors of imports are none.

    Managers and engineers are among them once they have worked.
    """
    roles = list(Membership.objects.filter(project=project).values_list("user", "role"))
    members = {user for user, _role in roles}
    labelers = {user for user, role in roles if role in (Role.ANNOTATOR, Role.REVIEWER)}
    rows = list(
        DailyWork.objects.filter(project=project)
        .values_list("user", "kind")
        .annotate(
            *(Sum(name) for name in ("submissions", "active_seconds", "accepted", "returned")),
            last=Max("day", filter=Q(submissions__gt=0) | Q(active_seconds__gt=0)),
        )
        .order_by()
    )
    people = User.objects.filter(kind=User.Kind.HUMAN).in_bulk(labelers | {row[0] for row in rows})
    work = {pk: PersonWork(user, pk in members, pk in labelers) for pk, user in people.items()}
    for user, kind, submissions, seconds, accepted, returned, day in rows:
        if user not in work:
            continue
        row = work[user]
        if kind == Task.Kind.RANK:
            row.ranked += submissions
        else:
            row.written += submissions
        row.seconds += int(seconds)
        row.accepted += accepted
        row.returned += returned
        row.last_day = max(filter(None, (row.last_day, day)), default=None)
    for (user, kind), pace in paces_of(project).items():
        if user in work:
            setattr(work[user], "ranking_pace" if kind == Task.Kind.RANK else "writing_pace", pace)
    for user, row in work.items():
        row.agreement = measured.people.get(user)
    return ordered(list(work.values()), "tasks")


def ordered(work: list[PersonWork], by: str) -> list[PersonWork]:
    """By one of ORDERS, people of the project before those who left it."""
    key = ORDERS.get(by, ORDERS["tasks"])
    known = [row for row in work if key(row) is not None]
    unknown = [row for row in work if key(row) is None]
    found = [*sorted(known, key=lambda row: (key(row), str(row.user).casefold())), *unknown]
    return sorted(found, key=lambda row: not row.is_member)


def paces_of(project: Project) -> dict[tuple[int, str], Pace]:
    """(person, kind of task) → how long one takes them, among the newest submissions of the project."""
    with connection.cursor() as cursor:
        cursor.execute(TIMES, {"project": project.pk, "most": RECENT})
        return {(user, kind): Pace(seconds, tasks) for user, kind, seconds, tasks in cursor.fetchall()}
