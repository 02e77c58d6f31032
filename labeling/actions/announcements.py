"""Notices to everybody, or to a role."""

import datetime
import zoneinfo
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest, Now
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.texts import check_storable
from labeling.days import check_day, span_of
from labeling.errors import DomainError
from labeling.models import Announcement, AnnouncementDismissal, Membership, Project, User

LONGEST_TEXT = 10_000


@transaction.atomic
def announce(
    *,
    project: Project | None,
    body: Mapping[str, str],
    first_day: datetime.date,
    last_day: datetime.date | None,
    author: User,
    role: str = "",
) -> Announcement:
    """Show a notice from the first day to the last (None: until it is ended) on people's first pages.

    project None: to everybody on this site. body: language → Markdown, one at least. role: empty for all.
    Days are the project's; without one, UTC's. Refuses a notice that says nothing or ends before it begins.
    """
    fields = _checked(project, body, first_day, last_day, role)
    announcement = Announcement.objects.create(project=project, author=author, **fields)
    data = {"languages": sorted(announcement.body)} | _whom_and_when(announcement)
    _keep("announcement_published", announcement, author, data)
    return announcement


@transaction.atomic
def change_announcement(
    *,
    announcement: Announcement,
    actor: User | None,
    body: Mapping[str, str],
    first_day: datetime.date,
    last_day: datetime.date | None,
    role: str = "",
    show_again: bool = False,
) -> Announcement:
    """Another text, role or time; show_again: also to whoever has dismissed it. Refuses as announce does."""
    fields = _checked(announcement.project, body, first_day, last_day, role)
    before = Announcement.objects.select_for_update().get(pk=announcement.pk)
    Announcement.objects.filter(pk=announcement.pk).update(**fields)
    if show_again:
        announcement.dismissals.all().delete()
    announcement.refresh_from_db()
    different: dict[str, Any] = audit.changes(_whom_and_when(before), _whom_and_when(announcement))
    codes = before.body.keys() | announcement.body.keys()
    if texts := sorted(code for code in codes if before.body.get(code) != announcement.body.get(code)):
        different["texts"] = texts
    if show_again:
        different["shown_again"] = True
    if different:
        _keep("announcement_changed", announcement, actor, different)
    return announcement


@transaction.atomic
def end_announcement(*, announcement: Announcement, actor: User | None) -> None:
    """Show it no more from now on. Ending twice is ending once."""
    running = Announcement.objects.filter(Q(ends_at=None) | Q(ends_at__gt=Now()), pk=announcement.pk)
    if running.update(ends_at=Greatest(Now(), F("begins_at"))):
        _keep("announcement_ended", announcement, actor, {})


def dismiss_announcement(*, announcement: Announcement, user: User) -> None:
    """Show it to this person no more. Dismissing twice is dismissing once."""
    AnnouncementDismissal.objects.bulk_create(
        [AnnouncementDismissal(announcement=announcement, user=user)], ignore_conflicts=True
    )


def _keep(action: str, announcement: Announcement, actor: User | None, data: Mapping[str, Any]) -> None:
    audit.record(action, actor=actor, project=announcement.project, subject=announcement, data=data)


def _whom_and_when(announcement: Announcement) -> dict[str, Any]:
    zone, last = zoneinfo.ZoneInfo(announcement.time_zone), announcement.last_moment
    return {
        "role": announcement.role,
        "first_day": announcement.begins_at.astimezone(zone).date(),
        "last_day": last.astimezone(zone).date() if last else "",
    }


def _checked(
    project: Project | None,
    body: Mapping[str, str],
    first_day: datetime.date,
    last_day: datetime.date | None,
    role: str,
) -> dict[str, object]:
    texts = {code: text.strip() for code, text in body.items() if text.strip()}
    for code, text in texts.items():
        check_storable(f"body_{code}", text)
        if len(text) > LONGEST_TEXT:
            message = _("A notice has %s characters at most; the guidelines have room for more.")
            message = message % LONGEST_TEXT
            raise DomainError("too_long", message, {f"body_{code}": message})
    if not texts:
        message = _("Write what people should know, in one language at least.")
        raise DomainError("says_nothing", message)
    if role and (project is None or role not in Membership.Role.values):
        message = _("There is no such role here.")
        raise DomainError("unknown_role", message, {"role": message})
    check_day("first_day", first_day)
    check_day("last_day", last_day or first_day)
    if last_day is not None and last_day < first_day:
        message = _("It ends before it begins.")
        raise DomainError("bad_days", message, {"last_day": message})
    begins_at, ends_at = span_of(first_day, last_day or first_day, project.time_zone if project else "UTC")
    return {"body": texts, "begins_at": begins_at, "ends_at": ends_at if last_day else None, "role": role}
