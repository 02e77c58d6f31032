"""How far projects are and what was done in them, out of the counts that are kept as it happens.

Every function takes some projects and asks the database once, however many and however large they are.
"""

import datetime
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.db.models import Q, Sum

from labeling.days import today_in
from labeling.models import DailyWork, Project, Prompt, StageCount, Task, User


@dataclass
class KindCounts:
    """Tasks by state, and the judgments that the open ones still want."""

    open: int = 0
    complete: int = 0
    withdrawn: int = 0
    left: int = 0

    @property
    def total(self) -> int:
        return self.open + self.complete


COUNTED = ("open", "complete", "withdrawn", "left")


@dataclass
class Stage:
    """How far the prompts of one language and category are."""

    language: str
    category: str
    prompts: int = 0
    demonstrate: KindCounts = field(default_factory=KindCounts)
    rank: KindCounts = field(default_factory=KindCounts)

    @property
    def all_tasks(self) -> KindCounts:
        """Of both kinds together."""
        kinds = (self.demonstrate, self.rank)
        return KindCounts(*(sum(getattr(kind, name) for kind in kinds) for name in COUNTED))

    @property
    def left(self) -> int:
        return self.all_tasks.left


@dataclass
class Day:
    """What people (not programs) did on one day of the project's calendar; revisions add time alone."""

    date: datetime.date
    ranked: int = 0
    written: int = 0
    collected: int = 0  # of those: for tasks that collect, which a forecast is about
    timed: int = 0
    seconds: int = 0

    @property
    def judgments(self) -> int:
        return self.ranked + self.written

    @property
    def hours(self) -> float:
        return self.seconds / 3600


@dataclass
class Work:
    """What one person has submitted: today by the project's calendar, and in all."""

    user: User
    ranked_today: int = 0
    ranked: int = 0
    written_today: int = 0
    written: int = 0


def stages_of(projects: Collection[Project]) -> dict[int, list[Stage]]:
    """Primary key of a project → its languages and categories, of tasks that collect."""
    stages: dict[int, dict[tuple[str, str], Stage]] = {project.pk: {} for project in projects}
    rows = (
        StageCount.objects.filter(project__in=projects, purpose__in=["", Task.Purpose.COLLECT])
        .values_list("project", "language", "category", "kind", "status")
        .annotate(Sum("prompts"), Sum("tasks"), Sum("seats"), Sum("judgments"))
        .order_by()
    )
    names = dict(Prompt.Category.choices)
    for project, language, category, kind, status, prompts, tasks, seats, judgments in rows:
        if not prompts and not tasks:
            continue
        stage = stages[project].setdefault(
            (language, category), Stage(language, str(names.get(category, category)))
        )
        stage.prompts += prompts
        counts = getattr(stage, kind, None)
        if isinstance(counts, KindCounts):
            setattr(counts, status, getattr(counts, status) + tasks)
            counts.left += max(0, seats - judgments) if status == Task.Status.OPEN else 0
    return {project: [found[key] for key in sorted(found)] for project, found in stages.items()}


def total_of(stages: Iterable[Stage]) -> Stage:
    total = Stage("", "")
    for stage in stages:
        total.prompts += stage.prompts
        for kind in Task.Kind.values:
            counts, more = getattr(total, kind), getattr(stage, kind)
            for name in COUNTED:
                setattr(counts, name, getattr(counts, name) + getattr(more, name))
    return total


def by_language(stages: Iterable[Stage]) -> list[Stage]:
    """The same, its categories taken together."""
    languages: dict[str, list[Stage]] = {}
    for stage in stages:
        languages.setdefault(stage.language, []).append(stage)
    totals = []
    for language, parts in sorted(languages.items()):
        total = total_of(parts)
        total.language = language
        totals.append(total)
    return totals


def days_of(projects: Collection[Project]) -> dict[int, list[Day]]:
    """Primary key of a project → each day on which people worked, the oldest first."""
    rows = (
        DailyWork.objects.filter(project__in=projects, user__kind=User.Kind.HUMAN)
        .values_list("project", "day", "kind", "purpose")
        .annotate(Sum("submissions"), Sum("timed"), Sum("active_seconds"))
        .order_by("day")
    )
    days: dict[int, dict[datetime.date, Day]] = {project.pk: {} for project in projects}
    for project, date, kind, purpose, submissions, timed, seconds in rows:
        if not submissions and not seconds:
            continue
        day = days[project].setdefault(date, Day(date))
        if kind == Task.Kind.RANK:
            day.ranked += submissions
        else:
            day.written += submissions
        day.collected += submissions if purpose == Task.Purpose.COLLECT else 0
        day.timed += timed
        day.seconds += int(seconds)
    return {project: list(found.values()) for project, found in days.items()}


def sum_of(days: Iterable[Day]) -> Day:
    """All of it; the date says nothing."""
    total = Day(datetime.date.min)
    for day in days:
        for name in ("ranked", "written", "collected", "timed", "seconds"):
            setattr(total, name, getattr(total, name) + getattr(day, name))
    return total


def last_days(days: list[Day], *, until: datetime.date, most: int) -> list[Day]:
    """Each day of the last so many up to that one, those without work too, from the first with work on."""
    known = {day.date: day for day in days}
    since = max(until - datetime.timedelta(days=most - 1), min(known, default=until))
    dates = (since + datetime.timedelta(days=n) for n in range((until - since).days + 1))
    return [known.get(date) or Day(date) for date in dates]


def work_of_people(project: Project) -> list[Work]:
    """Everybody who has submitted something; whoever did most today comes first."""
    rows = (
        DailyWork.objects.filter(project=project, submissions__gt=0)
        .values_list("user", "kind")
        .annotate(today=Sum("submissions", filter=Q(day=today_in(project).date)), n=Sum("submissions"))
        .order_by()
    )
    found = list(rows)
    users = User.objects.only("name", "email", "kind", "public_id").in_bulk({row[0] for row in found})
    work = {pk: Work(user) for pk, user in users.items()}
    for user, kind, today, n in found:
        if kind == Task.Kind.RANK:
            work[user].ranked_today, work[user].ranked = today or 0, n
        else:
            work[user].written_today += today or 0
            work[user].written += n
    return sorted(work.values(), key=lambda w: (-w.ranked_today - w.written_today, -w.ranked - w.written))
