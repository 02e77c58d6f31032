"""When a project will be done, by what its people did last; with a range, and none out of too little."""

import datetime
import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

ACTIVE_DAYS = 7  # with work on them, before today, that the rate is taken from
FEWEST_DAYS = 3
IDLE_AFTER = 14  # days without work after which the past says nothing any more
HORIZON = 3650  # days
# Student's t for a range that holds four times out of five, by degrees of freedom.
STUDENT_80 = {2: 1.886, 3: 1.638, 4: 1.533, 5: 1.476, 6: 1.440}


@dataclass(frozen=True)
class Forecast:
    """reason: why there is none; empty when there is one: done, few (days with work), idle.

    per_day: judgments on a day with work. earliest and latest hold it four times out of five, if people go on
    as they did; latest is None when it may never end at this pace.
    """

    left: int
    reason: str = ""
    per_day: float = 0.0
    days: int = 0  # that it was taken from
    expected: datetime.date | None = None
    earliest: datetime.date | None = None
    latest: datetime.date | None = None


def forecast(left: int, done: Iterable[tuple[datetime.date, int]], *, today: datetime.date) -> Forecast:
    """left: judgments still wanted. done: judgments by day; today's are left aside, the day is not over."""
    if left <= 0:
        return Forecast(0, "done")
    active = sorted((day, n) for day, n in done if n > 0 and day < today)[-ACTIVE_DAYS:]
    if len(active) < FEWEST_DAYS:
        return Forecast(left, "few", days=len(active))
    if (today - active[-1][0]).days > IDLE_AFTER:
        return Forecast(left, "idle", days=len(active))
    counts = [n for _day, n in active]
    mean, spread, n = statistics.fmean(counts), statistics.stdev(counts), len(counts)
    # Days without work between and since count too: a week of five days goes on as one.
    share = n / (today - active[0][0]).days

    def by(sign: int) -> datetime.date | None:
        def gained(days: float) -> float:
            # The mean is uncertain, and so is each day that comes.
            doubt = STUDENT_80[n - 1] * spread * math.sqrt(days**2 / n + days)
            return mean * days + sign * doubt

        days = _days_until(left, gained)
        return None if days is None else _after(today, days / share)

    return Forecast(
        left, per_day=mean, days=n, expected=_after(today, left / mean / share), earliest=by(1), latest=by(-1)
    )


def _days_until(left: int, gained: Callable[[float], float]) -> float | None:
    low, high = 0.0, 1.0
    while gained(high) < left:
        low, high = high, 2 * high
        if high > HORIZON:
            return None
    for _step in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if gained(middle) < left else (low, middle)
    return high


def _after(today: datetime.date, days: float) -> datetime.date | None:
    return None if days > HORIZON else today + datetime.timedelta(days=math.ceil(days - 1e-9))
