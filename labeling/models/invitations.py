"""How people come in: invitations, and who accepted which."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from labeling.models.base import PublicIdModel
from labeling.models.people import Membership, User
from labeling.models.project import Project


class Invitation(PublicIdModel):
    """Whoever has its link may come into the project while it lasts. Only the SHA-256 of its key is kept."""

    MOST_USES = 500

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    # Whom it was sent to, and the address of the account that is made with it; empty: whoever has the link.
    email = models.EmailField(blank=True)
    roles = ArrayField(models.CharField(max_length=16, choices=Membership.Role))
    group = models.CharField(max_length=16, choices=Membership.Group, default=Membership.Group.TRAINING)
    languages = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    uses_left = models.PositiveSmallIntegerField(default=1)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(uses_left__gte=0, uses_left__lte=500), name="invitation_uses_left"
            ),
            models.CheckConstraint(
                condition=Q(roles__len__gte=1, roles__contained_by=Membership.Role.values),
                name="invitation_roles_are_known",
            ),
            models.CheckConstraint(
                condition=Q(group__in=Membership.Group.values), name="invitation_group_is_known"
            ),
            models.CheckConstraint(
                condition=Q(email="") | Q(email=Lower("email"), uses_left__lte=1),
                name="invitation_of_an_address_is_used_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} · {self.email or 'link'}"


class InvitationAcceptance(models.Model):
    """Who came in by which invitation; each of them used it once."""

    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="acceptances")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    accepted_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["invitation", "user"], name="invitation_accepted_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.invitation}"
