"""Periods that people are paid by: opened, closed for good, and corrected in a later one."""

import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.texts import check_storable
from labeling.days import check_day, today_in
from labeling.errors import Conflict, DomainError
from labeling.models import Project, TimesheetLine, TimesheetPeriod, User
from labeling.timesheet_queries import Pay, amount_of, live_lines, rate_of

LONGEST = datetime.timedelta(days=366)
MOST_MINUTES = 60 * 24 * 366
MOST_TASKS = 1_000_000
MOST_MONEY = Decimal(10) ** 10


@transaction.atomic
def open_period(
    *, project: Project, begin: datetime.date, end: datetime.date, actor: User
) -> TimesheetPeriod:
    """A new period, from the first day to the last one, both counted.

    Refuses one that ends before it begins, is longer than a year, or shares a day with another.
    """
    check_day("begin", begin)
    check_day("end", end)
    Project.objects.select_for_update().get(pk=project.pk)
    if end < begin:
        message = _("It ends before it begins.")
        raise DomainError("bad_period", message, {"end": message})
    if end - begin >= LONGEST:
        message = _("A period is a year long at most.")
        raise DomainError("bad_period", message, {"end": message})
    other = project.timesheet_periods.filter(begin__lte=end, end__gte=begin).order_by("begin").first()
    if other is not None:
        message = _("These days belong to the period %s already: begin after it, or end before it.") % other
        raise DomainError("overlaps", message, {"begin": message})
    period = TimesheetPeriod.objects.create(project=project, begin=begin, end=end, opened_by=actor)
    _keep("period_opened", period, actor)
    return period


@transaction.atomic
def close_period(*, period: TimesheetPeriod, actor: User) -> TimesheetPeriod:
    """Freeze every person's line as it stands. Closing twice is closing once.

    Refuses before the last day is over by the project's calendar (Conflict): nothing can be added to it then.
    """
    locked = _locked(period)
    if locked.closed_at is not None:
        return locked
    if today_in(locked.project).date <= locked.end:
        message = _("It is not over yet: it can be closed from %s on.")
        raise Conflict("not_over", message % (locked.end + datetime.timedelta(days=1)))
    lines = TimesheetLine.objects.bulk_create(live_lines(locked))
    TimesheetPeriod.objects.filter(pk=locked.pk).update(closed_at=Now(), closed_by=actor)
    locked.refresh_from_db()
    _keep("period_closed", locked, actor, people=len({line.user_id for line in lines}))
    return locked


@transaction.atomic
def remove_period(*, period: TimesheetPeriod, actor: User | None) -> None:
    """Take back a period that was opened by mistake; the work of its days stays, for another one.

    Refuses a closed one, and one in which an earlier one is corrected (Conflict).
    """
    locked = _locked(period)
    if locked.closed_at is not None:
        raise Conflict("closed", _("It is closed: what was paid by it stays. Correct it instead."))
    if locked.lines.exists():
        raise Conflict("has_corrections", _("An earlier period is corrected in this one, so it stays."))
    _keep("period_removed", locked, actor)
    locked.delete()


@transaction.atomic
def correct_period(
    *,
    period: TimesheetPeriod,
    user: User,
    author: User,
    reason: str,
    minutes: int = 0,
    tasks: int = 0,
    accepted: int = 0,
    amount: Decimal | None = None,
) -> TimesheetLine:
    """Say what was wrong in a closed period: a line of its own, paid with the project's oldest open period.

    minutes, tasks, accepted: to be added, or taken off when negative. amount: likewise; None for what the
    others come to at the rate that the person had there. Refuses a correction of nothing, one without a
    reason, one of a period that is still open, and any while no period is open to pay it with (Conflict).
    """
    locked = _locked(period)
    _check_correction(reason, minutes, tasks, accepted, amount)
    if locked.closed_at is None:
        raise Conflict("open", _("The period is still open: it shows what there is, without corrections."))
    into = locked.project.timesheet_periods.filter(closed_at=None).order_by("begin").first()
    if into is None:
        raise Conflict("no_open_period", _("Open the next period first: the correction is paid with it."))
    paid_by, pay = _pay_in(locked, user)
    if amount is None:
        amount = amount_of(paid_by, pay.amount, seconds=60 * minutes, accepted=accepted)
    elif not pay.currency:
        message = _("Set a rate for this person first: it says in which currency they are paid.")
        raise DomainError("no_currency", message, {"amount": message})
    line = TimesheetLine.objects.create(
        period=into,
        user=user,
        begin=locked.begin,
        end=locked.end,
        seconds=60 * minutes,
        tasks=tasks,
        accepted=accepted,
        paid_by=paid_by,
        rate=pay.amount,
        currency=pay.currency,
        amount=amount,
        corrects=locked,
        reason=reason.strip(),
        author=author,
    )
    added = {"minutes": minutes, "tasks": tasks, "accepted": accepted}
    _keep(
        "period_corrected",
        locked,
        author,
        person=user.email,
        **{name: number for name, number in added.items() if number},
        amount="" if line.amount is None else f"{line.amount} {line.currency}",
        paid_with=str(into),
        reason=line.reason,
    )
    return line


def _keep(action: str, period: TimesheetPeriod, actor: User | None, **more: Any) -> None:
    # An open one may be removed, and then there is no page to lead to.
    subject = period if period.closed_at else None
    data = {"period": str(period)} | more
    audit.record(action, actor=actor, project=period.project, subject=subject, data=data)


def _locked(period: TimesheetPeriod) -> TimesheetPeriod:
    """With its project's row, so that no two periods of a project change at once."""
    Project.objects.select_for_update().get(pk=period.project_id)
    return TimesheetPeriod.objects.select_for_update(of=("self",)).select_related("project").get(pk=period.pk)


def _pay_in(period: TimesheetPeriod, user: User) -> tuple[str, Pay]:
    """As the person's line in the closed period says; without one, as the rates say by now."""
    line = period.lines.filter(user=user, corrects=None).order_by("-begin").first()
    if line is not None and line.rate is not None:
        return line.paid_by, Pay(line.rate, line.currency)
    return period.project.paid_by, rate_of(user, period.project, period.end)


def _check_correction(reason: str, minutes: int, tasks: int, accepted: int, amount: Decimal | None) -> None:
    check_storable("reason", reason)
    if not reason.strip():
        message = _("Say what was wrong: whoever is paid reads it.")
        raise DomainError("no_reason", message, {"reason": message})
    if not (minutes or tasks or accepted or amount):
        message = _("It changes nothing: say how many minutes, tasks or how much money.")
        raise DomainError("changes_nothing", message, {"minutes": message})
    too_much = abs(minutes) > MOST_MINUTES or max(abs(tasks), abs(accepted)) > MOST_TASKS
    if too_much or abs(amount or Decimal(0)) >= MOST_MONEY:
        raise DomainError("too_much", _("No period is so long: look at the numbers again."))
    if amount is not None and amount != amount.quantize(Decimal("0.01")):
        message = _("Money has two decimals at most.")
        raise DomainError("bad_amount", message, {"amount": message})
