"""Suspensions: the one in force keeps a person out, all of them together are the history."""

from django.db import models
from django.db.models import Q

from labeling.models.base import PublicIdModel
from labeling.models.people import User
from labeling.models.project import Project


class Suspension(PublicIdModel):
    """From when to when a person may do nothing in a project, or anywhere; by whom and why."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="suspensions")
    # null: the account, so everywhere
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="suspensions")
    # While it lasts, what they submitted before is in no new snapshot and no new export.
    sets_aside = models.BooleanField(default=False)
    reason = models.TextField()
    suspended_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    lifted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "project"],
                condition=Q(lifted_at=None),
                name="suspension_one_at_a_time",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="suspension_has_a_reason"),
            models.CheckConstraint(
                condition=Q(lifted_at=None, lifted_by=None)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False),
                name="suspension_lifted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.project or 'account'}"
