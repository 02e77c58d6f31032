"""What people did within some days, what it is paid with, and the sheets of both.

Managers' pages, one's own page, the CSV and what is frozen all come from `lines_of`.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from labeling.days import span_of
from labeling.models import (
    Project,
    Review,
    Submission,
    TimesheetLine,
    TimesheetPeriod,
    User,
    WorkTime,
)

CENT = Decimal("0.01")
PERIODS_SHOWN = 24  # on one's own page, of each project
Days = tuple[datetime.date, datetime.date]  # the first and the last
ONE_DAY = datetime.timedelta(days=1)


@dataclass
class Work:
    """What one person did: seconds at work, tasks first submitted, tasks accepted less those taken back."""

    seconds: int = 0
    tasks: int = 0
    accepted: int = 0


@dataclass(frozen=True)
class Pay:
    """amount None: nobody has set a rate."""

    amount: Decimal | None = None
    currency: str = ""


@dataclass
class Total:
    """The sum of some lines; money by currency."""

    seconds: int = 0
    tasks: int = 0
    accepted: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    people: int = 0
    without_rate: list[User] = field(default_factory=list)


@dataclass(frozen=True)
class OwnHours:
    """One's own lines in a project, by period, the newest first."""

    project: Project
    sheets: list[tuple[TimesheetPeriod, list[TimesheetLine], Total]]


class RateBook:
    """The rates of a project, read once."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.rates = list(project.rates.order_by("-valid_from", "-pk"))

    def rate_of(self, user_id: int | None, day: datetime.date) -> Pay:
        """The person's own rate of this day, else that of all others (user_id None), else the planned one."""
        for whose in (user_id, None):
            for rate in self.rates:
                if rate.user_id == whose and rate.valid_from <= day:
                    return Pay(rate.amount, rate.currency)
        return _planned(self.project)

    def spans(self, begin: datetime.date, end: datetime.date) -> Iterator[Days]:
        """The days from begin to end, parted where a rate begins to hold."""
        cuts = sorted({rate.valid_from for rate in self.rates if begin < rate.valid_from <= end})
        for first, after in zip([begin, *cuts], [*cuts, end + ONE_DAY], strict=True):
            yield first, after - ONE_DAY


def rate_of(person: User, project: Project, day: datetime.date) -> Pay:
    """What this person's hour, or accepted task, is paid with on a day."""
    return RateBook(project).rate_of(person.pk, day)


def _planned(project: Project) -> Pay:
    """The hourly rate that the project was planned with, if it was."""
    amount = getattr(project, "hourly_rate", None)
    if amount is None or project.paid_by != Project.PaidBy.HOUR:
        return Pay()
    return Pay(amount, getattr(project, "currency", ""))


def work_of(
    project: Project, first: datetime.date, last: datetime.date, *, user: User | None = None
) -> dict[int, Work]:
    """Person → what they did from the first day to the last, by the project's calendar; of one, or of all.

    Time counts on the day it was spent, on whatever it was: submitted, skipped or not done yet. A task counts
    when its first revision is submitted, and as accepted when a review says so, less what one takes back.
    """
    begin, end = span_of(first, last, project.time_zone)
    time = WorkTime.objects.filter(project=project, begun_at__gte=begin, begun_at__lt=end)
    tasks = Submission.objects.filter(
        project=project,
        origin=Submission.Origin.PERSON,
        revision=1,
        created_at__gte=begin,
        created_at__lt=end,
    )
    reviews = Review.objects.filter(submission__project=project, created_at__gte=begin, created_at__lt=end)
    if user is not None:
        time, tasks = time.filter(user=user), tasks.filter(assignment__user=user)
        reviews = reviews.filter(submission__assignment__user=user)
    found: dict[int, Work] = defaultdict(Work)
    for pk, seconds in time.values_list("user").annotate(total=Sum("seconds")):
        found[pk].seconds = seconds
    for pk, count in tasks.values_list("assignment__user").annotate(total=Count("id")):
        found[pk].tasks = count
    for pk, gain in reviews.values_list("submission__assignment__user").annotate(total=Sum("gain")):
        found[pk].accepted = gain
    return {pk: work for pk, work in found.items() if work != Work()}


def lines_of(period: TimesheetPeriod, *, user: User | None = None) -> list[TimesheetLine]:
    """The sheet of a period, or one person's part of it; people by name, corrections last.

    Closed: the rows that were frozen. Open: how it stands now, not saved anywhere, and the corrections of
    earlier periods that are paid with it.
    """
    return lines_of_all([period], user=user)[period]


def lines_of_all(
    periods: Sequence[TimesheetPeriod], *, user: User | None = None
) -> dict[TimesheetPeriod, list[TimesheetLine]]:
    """The same of several periods; closed ones cost one query together."""
    stored = TimesheetLine.objects.filter(period__in=periods).select_related("user", "corrects", "author")
    if user is not None:
        stored = stored.filter(user=user)
    lines: dict[TimesheetPeriod, list[TimesheetLine]] = {period: [] for period in periods}
    by_pk = {period.pk: period for period in periods}
    for line in stored:
        line.period = by_pk[line.period_id]
        lines[line.period].append(line)
    for period in periods:
        if period.closed_at is None:
            lines[period] += live_lines(period, user=user)
        lines[period].sort(key=_by_name)
    return lines


def live_lines(period: TimesheetPeriod, *, user: User | None = None) -> list[TimesheetLine]:
    """What closing the period now would freeze: a line for each person, and for each rate they had in it."""
    project, book = period.project, RateBook(period.project)
    lines: dict[int, list[TimesheetLine]] = defaultdict(list)
    for first, last in book.spans(period.begin, period.end):
        for pk, work in work_of(project, first, last, user=user).items():
            pay = book.rate_of(pk, first)
            before = lines[pk][-1] if lines[pk] else None
            if before is None or (before.rate, before.currency) != (pay.amount, pay.currency):
                begin = first if before else period.begin
                before = TimesheetLine(
                    period=period,
                    user_id=pk,
                    begin=begin,
                    seconds=0,
                    tasks=0,
                    accepted=0,
                    paid_by=project.paid_by,
                    rate=pay.amount,
                    currency=pay.currency,
                )
                lines[pk].append(before)
            before.end = last
            before.seconds += work.seconds
            before.tasks += work.tasks
            before.accepted += work.accepted
    people = User.objects.in_bulk(lines)
    for pk, own in lines.items():
        own[-1].end = period.end
        for line in own:
            line.user = people[pk]
            line.amount = amount_of(line.paid_by, line.rate, seconds=line.seconds, accepted=line.accepted)
    return [line for own in lines.values() for line in own]


def amount_of(paid_by: str, rate: Decimal | None, *, seconds: int, accepted: int) -> Decimal | None:
    """In hundredths of the currency, rounded here and nowhere else, halves away from zero."""
    if rate is None:
        return None
    by_hour = paid_by == Project.PaidBy.HOUR
    exact = rate * seconds / 3600 if by_hour else rate * accepted
    return exact.quantize(CENT, rounding=ROUND_HALF_UP)


def total_of(lines: Iterable[TimesheetLine]) -> Total:
    total = Total()
    people: dict[int, User] = {}
    unpaid: dict[int, User] = {}
    for line in lines:
        people[line.user_id] = line.user
        total.seconds += line.seconds
        total.tasks += line.tasks
        total.accepted += line.accepted
        if line.amount is None:
            unpaid[line.user_id] = line.user
        else:
            total.amounts[line.currency] = total.amounts.get(line.currency, Decimal(0)) + line.amount
    total.people, total.without_rate = len(people), list(unpaid.values())
    return total


def periods_of(project: Project) -> QuerySet[TimesheetPeriod]:
    """Newest first."""
    return project.timesheet_periods.select_related("project", "opened_by", "closed_by").order_by("-begin")


def corrections_of(period: TimesheetPeriod) -> QuerySet[TimesheetLine]:
    """What was corrected of a closed period, each in the sheet that it is paid with."""
    return period.corrections.select_related("user", "author", "period").order_by("pk")


def people_of(period: TimesheetPeriod) -> QuerySet[User]:
    """Who may be corrected: the people of its lines, and the project's."""
    lines = period.lines.values("user")
    members = period.project.memberships.values("user")
    return User.objects.filter(Q(pk__in=lines) | Q(pk__in=members)).order_by("name", "email")


def suggested_days(project: Project, today: datetime.date) -> Days:
    """From the day after the newest period, or the first of this month, to the end of that month."""
    last = project.timesheet_periods.order_by("-end").values_list("end", flat=True).first()
    begin = last + ONE_DAY if last else today.replace(day=1)
    next_month = (begin.replace(day=1) + datetime.timedelta(days=32)).replace(day=1)
    return begin, next_month - ONE_DAY


def hours_of(user: User) -> list[OwnHours]:
    """One's own sheets, in every project that has any and in which one is or was at work."""
    work = WorkTime.objects.filter(user=user, project=OuterRef("pk"))
    lines = TimesheetLine.objects.filter(user=user, period__project=OuterRef("pk"))
    projects = Project.objects.filter(
        Exists(TimesheetPeriod.objects.filter(project=OuterRef("pk"))),
        Exists(work) | Exists(lines) | Q(memberships__user=user),
    ).distinct()
    found = []
    for project in projects.order_by("name"):
        periods = list(periods_of(project)[:PERIODS_SHOWN])
        sheets = lines_of_all(periods, user=user)
        found.append(OwnHours(project, [(one, sheets[one], total_of(sheets[one])) for one in periods]))
    return found


def _by_name(line: TimesheetLine) -> tuple[bool, str, int, datetime.date]:
    return (line.corrects_id is not None, str(line.user).lower(), line.user_id, line.begin)
