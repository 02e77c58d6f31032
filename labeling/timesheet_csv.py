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
# A spreadsheet takes a cell that begins so for a formula; people choose their names and write reasons.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows_of(period: TimesheetPeriod, lines: Iterable[TimesheetLine]) -> Iterator[list[object]]:
    """The columns' names, then a row for each line. Hours have four decimals; amounts are the page's."""
    yield [*COLUMNS]
    state = "closed" if period.closed_at else "open"
    for line in lines:
        yield [
            period.begin,
            period.end,
            state,
            as_text(line.user.name),
            as_text(line.user.email),
            line.begin,
            line.end,
            line.seconds,
            (Decimal(line.seconds) / 3600).quantize(Decimal("0.0001")),
            line.tasks,
            line.accepted,
            line.paid_by,
            "" if line.rate is None else line.rate,
            line.currency,
            "" if line.amount is None else line.amount,
            line.corrects or "",
            as_text(line.reason),
        ]


def as_text(text: str) -> str:
    """A text that no spreadsheet computes."""
    return f"'{text}" if text.startswith(FORMULA) else text
