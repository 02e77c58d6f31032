"""What the plan's page shows of a plan: hours, cost, the day it ends, what that buys, and other overlaps."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from labeling.plans import USUAL_AGREEMENT, Workload, alternatives, last_day

OVERLAPS = {
    "none": _("Every task by one"),
    "some": _("15 % by three"),
    "all": _("Every task by two"),
}


@dataclass(frozen=True)
class Shown:
    """agreement and win_rate: half of a 95 % interval in points, as text; None: nothing is measured."""

    workload: Workload
    finish_on: datetime.date | None
    agreement: str | None
    win_rate: str


@dataclass(frozen=True)
class Other:
    """The same with another overlap, and the query that shows it."""

    label: Any
    shown: Shown
    query: str
    is_chosen: bool


def shown(workload: Workload, today: datetime.date) -> Shown:
    agreement = workload.agreement_half_width(USUAL_AGREEMENT)
    return Shown(
        workload=workload,
        finish_on=last_day(today, workload.working_days),
        agreement=None if agreement is None else f"{100 * agreement:.1f}",
        win_rate=f"{100 * workload.win_rate_half_width:.1f}",
    )


def others(workload: Workload, today: datetime.date, currency: str) -> list[Other]:
    return [
        Other(OVERLAPS[key], shown(other, today), query_of(other, currency), other == workload)
        for key, other in alternatives(workload).items()
    ]


def fields_of(workload: Workload, currency: str) -> dict[str, str]:
    """The form's fields as they are sent, exact: what is applied is what was shown."""
    return {
        "prompts": str(workload.prompts),
        "completions_per_prompt": str(workload.completions_per_prompt),
        "minutes": repr(workload.minutes),
        "overlap_share": repr(100 * workload.overlap_share),
        "overlap_people": str(workload.overlap_people),
        "people": str(workload.people),
        "hours_a_day": repr(workload.hours_a_day),
        "hourly_rate": "" if workload.hourly_rate is None else str(workload.hourly_rate),
        "currency": currency,
    }


def query_of(workload: Workload, currency: str) -> str:
    query = QueryDict(mutable=True)
    query.update(fields_of(workload, currency) | {"minutes": f"{workload.minutes:.3g}"})
    return query.urlencode()
