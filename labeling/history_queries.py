"""What one person has done: their submissions, what came back of them, and their weeks."""

import datetime
import uuid
import zoneinfo
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncWeek
from django.utils import timezone

from labeling.days import today_in
from labeling.eligibility import WORK, Eligibility, eligibility_of
from labeling.known_queries import Qualification, qualification_of
from labeling.models import Assignment, Project, Prompt, Submission, Task, Topic, User, WorkTime
from labeling.pauses import is_paused

PAGE = 50
WEEKS = 8
MOST_RETURNED = 20  # listed at once; the others follow as these are revised


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
    prompts: int = 0
    accepted: int = 0  # of what was submitted in this week
    seconds: int = 0

    @property
    def hours(self) -> float:
        return self.seconds / 3600


@dataclass(frozen=True)
class Why:
    """Why somebody is given nothing.

    reason: paused; cap (until then); qualify (first: how far they are); none (is open); topics (of free
    tasks, to which they have not said yes); languages (of free tasks, in which they do not work); sets (what
    is left is for other people); others (have all); barred (they wrote or have seen what is left); yours
    (they had all).
    """

    reason: str
    topics: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    until: datetime.datetime | None = None
    qualification: Qualification | None = None


def history_of(user: User, *, after: uuid.UUID | None = None) -> HistoryPage:
    """What this person submitted, newest first, a page by keyset."""
    own = Submission.objects.filter(assignment__user=user)
    shown = own.filter(~Exists(_newer_revisions())).prefetch_related("reviews")
    shown = shown.select_related("assignment__task__prompt", "assignment__task__project")
    if after is not None:
        start = own.filter(public_id=after).values_list("pk", flat=True).first()
        shown = shown.filter(pk__lt=start or 0)
    found = list(shown.order_by("-pk")[: PAGE + 1])
    return HistoryPage(found[:PAGE], found[PAGE - 1].public_id if len(found) > PAGE else None)


@dataclass(frozen=True)
class Returned:
    """What came back from review and has not been revised yet: how much, and the oldest of it."""

    count: int
    submissions: list[Submission]


def returned_to(user: User, projects: Collection[Project]) -> Returned:
    """Of these projects; what came back first comes first."""
    back = Submission.objects.filter(
        ~Exists(_newer_revisions()),
        project__in=projects,
        origin=Submission.Origin.PERSON,
        review_state=Submission.ReviewState.RETURNED,
        assignment__user=user,
    )
    shown = list(
        back.select_related("assignment__task__prompt", "project")
        .prefetch_related("reviews")
        .order_by("pk")[: MOST_RETURNED + 1]
    )
    count = len(shown) if len(shown) <= MOST_RETURNED else back.count()
    return Returned(count, shown[:MOST_RETURNED])


def weeks_of(user: User) -> list[Week]:
    """The last weeks with work in them, newest first. A revision is no further judgment; its time counts.

    Time is that at work in the week, also on what was skipped or is not done yet. Prompts are those the
    person wrote, here or through the API.
    """
    zone = zoneinfo.ZoneInfo(user.time_zone)
    today = timezone.now().astimezone(zone).date()
    first = today - datetime.timedelta(days=today.weekday(), weeks=WEEKS - 1)
    begin = datetime.datetime.combine(first, datetime.time(), tzinfo=zone)
    rows = (
        Submission.objects.filter(assignment__user=user, created_at__gte=begin)
        .annotate(week=TruncWeek("created_at", tzinfo=zone))
        .values_list("week", "assignment__task__kind")
        .annotate(
            n=Count("id", filter=Q(revision=1)),
            accepted=Count(
                "id",
                filter=Q(review_state=Submission.ReviewState.ACCEPTED) & ~Exists(_newer_revisions()),
            ),
        )
        .order_by("-week")
    )
    weeks: dict[datetime.date, Week] = {}
    for monday, kind, n, accepted in rows:
        week = weeks.setdefault(monday.date(), Week(monday.date()))
        week.accepted += accepted
        if kind == Task.Kind.RANK:
            week.ranked += n
        else:
            week.written += n
    for monday, n in (
        Prompt.objects.filter(author=user, created_at__gte=begin)
        .annotate(week=TruncWeek("created_at", tzinfo=zone))
        .values_list("week")
        .annotate(n=Count("id"))
    ):
        weeks.setdefault(monday.date(), Week(monday.date())).prompts = n
    for monday, seconds in (
        WorkTime.objects.filter(user=user, begun_at__gte=begin)
        .annotate(week=TruncWeek("begun_at", tzinfo=zone))
        .values_list("week")
        .annotate(seconds=Sum("seconds"))
    ):
        weeks.setdefault(monday.date(), Week(monday.date())).seconds = seconds
    return sorted(weeks.values(), key=lambda week: week.monday, reverse=True)


def why_nothing(user: User, project: Project, kind: str) -> Why:
    """Why there is no task of this kind for this person."""
    if is_paused(project):
        return Why("paused")
    may = eligibility_of(user, project)
    if may.is_day_full:
        return Why("cap", until=today_in(project).end)
    if may.must_qualify:
        return Why("qualify", qualification=qualification_of(user, project))
    open_tasks = Task.objects.filter(project=project, kind=kind, status=Task.Status.OPEN, purpose__in=WORK)
    if not open_tasks.exists():
        return Why("none")
    others = open_tasks.exclude(assignments__user=user)
    if not others.exists():
        barred = Assignment.objects.filter(user=user, task__in=open_tasks, status__in=Assignment.BARRED)
        return Why("barred" if barred.exists() else "yours")
    return _why_not_of_others(may, others)


def _why_not_of_others(may: Eligibility, others: QuerySet[Task]) -> Why:
    """Of open tasks that the person has not had."""
    for_them = others.filter(may.for_them())
    free = for_them.filter(seats_taken__lt=F("seats_wanted"))
    # What fits is in other hands when it was not handed out; what is free does not fit.
    if unwelcome := _topics_of(free.filter(may.in_language()).exclude(may.welcome())):
        return Why("topics", topics=tuple(topic for topic in unwelcome if topic not in may.topics))
    foreign = free.exclude(may.in_language()) if may.languages else free.none()
    if languages := sorted(set(foreign.values_list("language", flat=True).distinct())):
        return Why("languages", languages=tuple(languages))
    return Why("others" if for_them.exists() else "sets")


def _topics_of(tasks: QuerySet[Task]) -> list[str]:
    found = {topic for topics in tasks.values_list("topics", flat=True).distinct() for topic in topics}
    return [topic for topic in Topic.values if topic in found]


def _newer_revisions() -> QuerySet[Submission]:
    return Submission.objects.filter(assignment=OuterRef("assignment"), revision__gt=OuterRef("revision"))
