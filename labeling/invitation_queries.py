"""What can be asked of invitations."""

from django.db import models
from django.db.models import BooleanField, ExpressionWrapper, Prefetch, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from labeling.models import Invitation, InvitationAcceptance, Project


class State(models.TextChoices):
    OPEN = "open", _("open")
    USED_UP = "used_up", _("used up")
    EXPIRED = "expired", _("expired")
    REVOKED = "revoked", _("revoked")


def state_of(invitation: Invitation) -> State:
    """Of an invitation that comes from a query here, which tells by the database's clock."""
    if invitation.revoked_at is not None:
        return State.REVOKED
    if invitation.uses_left == 0:
        return State.USED_UP
    return State.EXPIRED if invitation.is_expired else State.OPEN  # type: ignore[attr-defined] # annotated


def invitations() -> QuerySet[Invitation]:
    is_expired = ExpressionWrapper(Q(expires_at__lte=Now()), output_field=BooleanField())
    return Invitation.objects.annotate(is_expired=is_expired).select_related("project", "created_by")


def invitation_with(digest: str) -> Invitation | None:
    """The invitation whose link has the key with this SHA-256."""
    return invitations().filter(digest=digest).first()


def every_invitation(project: Project) -> QuerySet[Invitation]:
    """Newest first, each with whom it brought in."""
    accepted = InvitationAcceptance.objects.select_related("user")
    found = invitations().filter(project=project).order_by("-pk")
    return found.prefetch_related(Prefetch("acceptances", queryset=accepted))


def invitations_of(project: Project) -> list[Invitation]:
    """The newest hundred, each with its `state` and whom it brought in."""
    rows = list(every_invitation(project)[:100])
    for row in rows:
        row.state = state_of(row)  # type: ignore[attr-defined]
    return rows
