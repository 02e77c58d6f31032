"""A timesheet as rows of a file, for whoever pays."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from labeling.models import TimesheetLine, TimesheetPeriod

# Names for programs, the same in every language.
COLUMNS = [
    "period_begin",
    "period_end",
    "state",
    "person",
    "email",
    "from",
    "to",
    "active_seconds",
    "hours",
    "tasks",
    "accepted",
    "paid_by",
    "rate",
    "currency",
    "amount",
    "corrects",
    "reason",
]


def rows_of(period: TimesheetPeriod, lines: Iterable[TimesheetLine]) -> Iterator[list[object]]:
    """A row for each line. Hours have four decimals; amounts are the page's."""
    state = "closed" if period.closed_at else "open"
    for line in lines:
        yield [
            period.begin,
            period.end,
            state,
            line.user.name,
            line.user.email,
            line.begin,
            line.end,
            line.seconds,
            (Decimal(line.seconds) / 3600).quantize(Decimal("0.0001")),
            line.tasks,
            line.accepted,
            line.paid_by,
            line.rate,
            line.currency,
            line.amount,
            line.corrects,
            line.reason,
        ]
