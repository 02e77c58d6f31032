"""Handing out no tasks for a while, in a project or on the whole site; who did so and when stays."""

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.texts import check_storable
from labeling.errors import DomainError
from labeling.models import Pause, Project, User


@transaction.atomic
def pause_project(*, project: Project, reason: str, actor: User | None = None) -> None:
    """Hand out no more tasks; what people have open can be submitted. Refuses without a reason.

    Paused already, it is paused for this reason now.
    """
    reason = _checked(reason)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    Project.objects.filter(pk=project.pk, paused_at=None).update(paused_at=Now())
    Project.objects.filter(pk=project.pk).update(pause_reason=reason)
    _end(project, actor)
    Pause.objects.create(project=project, reason=reason, paused_by=actor)
    audit.record("project_paused", actor=actor, project=project, subject=project, data={"reason": reason})


@transaction.atomic
def resume_project(*, project: Project, actor: User | None = None) -> None:
    """Hand out tasks again."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    paused = Project.objects.filter(pk=project.pk, paused_at__isnull=False)
    if paused.update(paused_at=None, pause_reason=""):
        audit.record("project_resumed", actor=actor, project=project, subject=project)
    _end(project, actor)


@transaction.atomic
def pause_site(*, reason: str, actor: User) -> None:
    """As of a project, in every project at once. Those that are paused by themselves stay so when it ends."""
    reason = _checked(reason)
    _end(None, actor)
    # Of two that pause at once the first one's reason stands.
    Pause.objects.bulk_create([Pause(project=None, reason=reason, paused_by=actor)], ignore_conflicts=True)
    audit.record("site_paused", actor=actor, data={"reason": reason})


@transaction.atomic
def resume_site(*, actor: User) -> None:
    """Hand out tasks again, in every project that is not paused by itself."""
    if _end(None, actor):
        audit.record("site_resumed", actor=actor)


def _end(project: Project | None, actor: User | None) -> int:
    return Pause.objects.filter(project=project, resumed_at=None).update(resumed_at=Now(), resumed_by=actor)


def _checked(reason: str) -> str:
    check_storable("reason", reason)
    if not reason.strip():
        message = _("Say why: annotators read it on the project's page.")
        raise DomainError("no_reason", message, {"reason": message})
    return reason.strip()
