"""Days by a project's calendar."""

import datetime
import zoneinfo
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from labeling.errors import DomainError
from labeling.models import Project

# A day before or after is a slip of the finger in the year.
FIRST_DAY, LAST_DAY = datetime.date(2000, 1, 1), datetime.date(2099, 12, 31)


@dataclass(frozen=True)
class Day:
    """From its beginning to that of the next, in the project's time zone; not always 24 hours."""

    date: datetime.date
    begin: datetime.datetime
    end: datetime.datetime


def today_in(project: Project) -> Day:
    date = timezone.now().astimezone(zoneinfo.ZoneInfo(project.time_zone)).date()
    return Day(date, *span_of(date, date, project.time_zone))


def span_of(
    first: datetime.date, last: datetime.date, time_zone: str
) -> tuple[datetime.datetime, datetime.datetime]:
    """From the beginning of the first day to that of the day after the last one."""
    zone = zoneinfo.ZoneInfo(time_zone)
    begin, end = (
        datetime.datetime.combine(day, datetime.time(), tzinfo=zone)
        for day in (first, last + datetime.timedelta(days=1))
    )
    return begin, end


def check_day(field: str, day: datetime.date) -> None:
    """Refuse a slip of the finger in the year; `field` is what the form calls the day."""
    if not FIRST_DAY <= day <= LAST_DAY:
        message = _("Write a day of this century.")
        raise DomainError("bad_day", message, {field: message})
