"""Which notices somebody is shown, and what became of those that were written."""

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from labeling.models import Announcement, AnnouncementDismissal, Membership, Project, User
from labeling.rubrics.questions import in_language

MOST_LISTED = 100


@dataclass(frozen=True)
class Notice:
    """An announcement in the language of its reader."""

    announcement: Announcement
    text: str


def readable_by(user: User) -> QuerySet[Announcement]:
    """Those to everybody on this site, and those of one's projects to everybody or to a role that one has."""
    suspended = user.suspensions.filter(lifted_at=None).values("project")
    here = Membership.objects.filter(user=user, project=OuterRef("project"))
    here = here.exclude(project__in=suspended.exclude(project=None))
    if user.is_superuser:
        return Announcement.objects.all()
    return Announcement.objects.filter(
        Q(project=None) | Exists(here.filter(role=OuterRef("role"))) | Q(Exists(here), role="")
    )


def notices_for(user: User, language: str, *, project: Project | None = None) -> list[Notice]:
    """What is to be read now and was not dismissed, newest first; of one project and the site, or of all."""
    now = timezone.now()
    dismissed = AnnouncementDismissal.objects.filter(user=user, announcement=OuterRef("pk"))
    shown = readable_by(user).filter(
        Q(ends_at=None) | Q(ends_at__gt=now), ~Exists(dismissed), begins_at__lte=now
    )
    if project is not None:
        shown = shown.filter(Q(project=project) | Q(project=None))
    return [
        Notice(one, in_language(one.body, language))
        for one in shown.select_related("project").order_by("-begins_at", "-pk")
    ]


def announcements_of(project: Project | None) -> QuerySet[Announcement]:
    """All that were written, newest first, with how many people dismissed each; None: those of the site."""
    written = Announcement.objects.filter(project=project)
    return (
        written.select_related("author", "project")
        .annotate(dismissed=Count("dismissals"))
        .order_by("-begins_at", "-pk")[:MOST_LISTED]
    )
