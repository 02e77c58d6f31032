"""What was done in a project, by whom and when."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import cached_property

from labeling.actions.audit import ACTIONS
from labeling.days import span_of
from labeling.models import AuditEvent, Project, User

PAGE = 50
# Things that have a page of their own: object type → name of its address.
PAGES = {
    "task": "manage-task",
    "prompt": "manage-prompt",
    "guidelineversion": "guideline-version",
    "rubricversion": "rubric-version",
    "bulkchange": "bulk-change",
    "faqentry": "faq-entry",
    "announcement": "announcement",
    "timesheetperiod": "timesheet",
}


@dataclass(frozen=True)
class AuditFilter:
    """Which events the list shows. person: by public id. since, until: days of the project's calendar."""

    person: str = ""
    action: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class EventShown:
    """One event as a person reads it. details: a name and a value, or what it was and what it is now."""

    event: AuditEvent

    @property
    def title(self) -> str:
        return str(ACTIONS.get(self.event.action, self.event.action))

    @cached_property
    def details(self) -> list[tuple[str, str]]:
        return [(name.replace("_", " "), in_words(value)) for name, value in self.event.data.items()]

    @property
    def address(self) -> str:
        name = PAGES.get(self.event.object_type)
        return reverse(name, args=[self.event.object_id]) if name and self.event.object_id else ""


@dataclass(frozen=True)
class AuditPage:
    events: Sequence[EventShown]
    after: uuid.UUID | None  # where the next page begins; None on the last


def page_of_events(project: Project, asked: AuditFilter, *, after: uuid.UUID | None) -> AuditPage:
    """Newest first, a page by keyset."""
    events = events_found(project, asked)
    if after is not None:
        start = project.audit_events.filter(public_id=after).values_list("pk", flat=True).first()
        events = events.filter(pk__lt=start or 0)
    found = list(events[: PAGE + 1])
    following = found[PAGE - 1].public_id if len(found) > PAGE else None
    return AuditPage([EventShown(event) for event in found[:PAGE]], following)


def events_found(project: Project, asked: AuditFilter) -> QuerySet[AuditEvent]:
    """Every event that the filter lets pass, newest first."""
    events = AuditEvent.objects.filter(project=project).select_related("actor").order_by("-pk")
    if asked.person:
        events = events.filter(actor__public_id=asked.person)
    if asked.action:
        events = events.filter(action=asked.action)
    if asked.since:
        events = events.filter(created_at__gte=span_of(asked.since, asked.since, project.time_zone)[0])
    if asked.until:
        events = events.filter(created_at__lt=span_of(asked.until, asked.until, project.time_zone)[1])
    return events


def actors_in(project: Project) -> QuerySet[User]:
    """Everybody who did something that was kept."""
    actors = AuditEvent.objects.filter(project=project, actor__isnull=False).values("actor")
    return User.objects.filter(pk__in=actors).order_by("name", "email")


def in_words(value: Any) -> str:
    """A value of a summary as text; what is nested stays JSON."""
    if isinstance(value, dict) and value.keys() == {"from", "to"}:
        return f"{in_words(value['from'])} → {in_words(value['to'])}"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {in_words(part)}" for name, part in value.items()) or "–"
    if isinstance(value, list) and all(isinstance(part, str | int | float) for part in value):
        return ", ".join(map(str, value)) or "–"
    if value in (None, ""):
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
