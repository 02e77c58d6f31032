"""What one person has done: their submissions, and their weeks."""

import datetime
import uuid
import zoneinfo
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.db.models.functions import TruncWeek
from django.utils import timezone

from labeling.models import Project, Submission, Task, User

PAGE = 50
WEEKS = 8


@dataclass(frozen=True)
class HistoryPage:
    submissions: list[Submission]  # each the newest revision of its task
    after: uuid.UUID | None  # where the next page begins; None on the last


@dataclass
class Week:
    """Monday to Sunday in the person's own time zone."""

    monday: datetime.date
    ranked: int = 0
    written: int = 0
    seconds: int = 0

    @property
    def hours(self) -> float:
        return self.seconds / 3600


def history_of(user: User, *, after: uuid.UUID | None = None) -> HistoryPage:
    """What this person submitted, newest first, a page by keyset."""
    own = Submission.objects.filter(assignment__user=user)
    newer = Submission.objects.filter(assignment=OuterRef("assignment"), revision__gt=OuterRef("revision"))
    shown = own.filter(~Exists(newer)).select_related("assignment__task__prompt", "assignment__task__project")
    if after is not None:
        start = own.filter(public_id=after).values_list("pk", flat=True).first()
        shown = shown.filter(pk__lt=start or 0)
    found = list(shown.order_by("-pk")[: PAGE + 1])
    return HistoryPage(found[:PAGE], found[PAGE - 1].public_id if len(found) > PAGE else None)


def weeks_of(user: User) -> list[Week]:
    """The last weeks with work in them, newest first. A revision adds its time, not a judgment."""
    zone = zoneinfo.ZoneInfo(user.time_zone)
    today = timezone.now().astimezone(zone).date()
    first = today - datetime.timedelta(days=today.weekday(), weeks=WEEKS - 1)
    rows = (
        Submission.objects.filter(
            assignment__user=user,
            created_at__gte=datetime.datetime.combine(first, datetime.time(), tzinfo=zone),
        )
        .annotate(week=TruncWeek("created_at", tzinfo=zone))
        .values_list("week", "assignment__task__kind")
        .annotate(n=Count("id", filter=Q(revision=1)), seconds=Sum("active_seconds"))
        .order_by("-week")
    )
    weeks: dict[datetime.date, Week] = {}
    for monday, kind, n, seconds in rows:
        week = weeks.setdefault(monday.date(), Week(monday.date()))
        week.seconds += seconds or 0
        if kind == Task.Kind.RANK:
            week.ranked += n
        else:
            week.written += n
    return list(weeks.values())


def why_nothing(user: User, project: Project, kind: str) -> str:
    """Why there is no task of this kind for this person: paused, none (open), yours (all had), others."""
    if project.paused_at:
        return "paused"
    open_tasks = Task.objects.filter(project=project, kind=kind, status=Task.Status.OPEN)
    if not open_tasks.exists():
        return "none"
    return "others" if open_tasks.exclude(assignments__user=user).exists() else "yours"
