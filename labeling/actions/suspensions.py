"""Keeping a person out of a project, or of everything, for a time; what they made can stay or wait."""

from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling import access
from labeling.actions import audit
from labeling.actions.bounds import HELD
from labeling.actions.leases import give_back
from labeling.actions.people import revoke_invitations_by
from labeling.actions.texts import check_storable
from labeling.errors import Conflict, DomainError
from labeling.models import Assignment, Project, Suspension, User

MOST_CHARACTERS = 2000


@transaction.atomic
def suspend_member(*, project: Project, user: User, actor: User, reason: str, sets_aside: bool) -> Suspension:
    """Keep a person out of the project until it is lifted: no task, no page; what they have open goes back.

    sets_aside: what they submitted there is in no new snapshot or export while it lasts. Refuses without a
    reason, for oneself, for a site admin, for the last manager and for who is suspended already (Conflict).
    """
    if user.is_superuser:
        raise Conflict("site_admin", _("%s is a site admin, whom no project can keep out.") % user)
    # One change at a time: of two managers who suspend each other, one stays.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    managers = access.managers_of(project)
    if managers.filter(pk=user.pk).exists() and not managers.exclude(pk=user.pk).exists():
        raise Conflict(
            "last_manager",
            _("%s is the project's last manager: make somebody else a manager first.") % user,
        )
    return _suspend(project, user, actor, reason, sets_aside)


@transaction.atomic
def suspend_account(*, user: User, actor: User, reason: str, sets_aside: bool) -> Suspension:
    """Close an account until it is lifted: nobody signs in with it, its tokens are refused, its sessions end.

    sets_aside: as in a project, in all of them. Refuses as suspend_member does, but for the last manager.
    """
    suspension = _suspend(None, user, actor, reason, sets_aside)
    User.objects.filter(pk=user.pk).update(is_active=False)
    for session in UserSession.objects.filter(user_id=user.pk):
        session.end()
    return suspension


@transaction.atomic
def lift_suspension(*, suspension: Suspension, actor: User) -> None:
    """They may do again what they may, and what was set aside counts again. Twice is the same as once."""
    in_force = Suspension.objects.filter(pk=suspension.pk, lifted_at=None)
    if not in_force.update(lifted_at=Now(), lifted_by=actor):
        return
    if suspension.project_id is None:
        User.objects.filter(pk=suspension.user_id).update(is_active=True)
    data = {"person": str(suspension.user)}
    audit.record("suspension_lifted", actor=actor, project=suspension.project, subject=suspension, data=data)


def _suspend(project: Project | None, user: User, actor: User, reason: str, sets_aside: bool) -> Suspension:
    check_storable("reason", reason)
    if not reason.strip() or len(reason) > MOST_CHARACTERS:
        message = _("Say why, in up to %s characters: whoever looks later wants to know.") % MOST_CHARACTERS
        raise DomainError("no_reason", message, {"reason": message})
    if user == actor:
        raise Conflict("yourself", _("You can't suspend yourself."))
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)  # who asks for a task waits here
    if Suspension.objects.filter(user=locked, project=project, lifted_at=None).exists():
        raise Conflict("suspended_already", _("%s is suspended already.") % user)
    suspension = Suspension.objects.create(
        user=locked, project=project, sets_aside=sets_aside, reason=reason.strip(), suspended_by=actor
    )
    _give_back_seats(locked, project)
    revoke_invitations_by(user=locked, project=project)
    data = {"person": str(user), "reason": suspension.reason, "sets_aside": sets_aside}
    audit.record("person_suspended", actor=actor, project=project, subject=suspension, data=data)
    return suspension


def _give_back_seats(user: User, project: Project | None) -> None:
    held = Assignment.objects.select_for_update(of=("self",)).filter(user=user, status__in=HELD)
    if project is not None:
        held = held.filter(task__project=project)
    # By task, as the claim gives back what ran out: neither waits for what the other took first.
    for assignment in held.order_by("task_id", "pk"):
        give_back(assignment)
