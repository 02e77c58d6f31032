"""Days by a project's calendar."""

import datetime
import zoneinfo
from dataclasses import dataclass

from django.utils import timezone

from labeling.models import Project


@dataclass(frozen=True)
class Day:
    """From its beginning to that of the next, in the project's time zone; not always 24 hours."""

    date: datetime.date
    begin: datetime.datetime
    end: datetime.datetime


def today_in(project: Project) -> Day:
    zone = zoneinfo.ZoneInfo(project.time_zone)
    date = timezone.now().astimezone(zone).date()
    begin, end = (
        datetime.datetime.combine(date + datetime.timedelta(days=days), datetime.time(), tzinfo=zone)
        for days in (0, 1)
    )
    return Day(date, begin, end)
