"""When no tasks were handed out, and on whose word."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from labeling.models.people import User
from labeling.models.project import Project


class Pause(models.Model):
    """From its beginning to its end, by whom each; null: the system itself.

    Without a project it is the whole site's.
    """

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, null=True, related_name="pauses", db_index=False
    )
    reason = models.TextField()
    paused_at = models.DateTimeField(db_default=Now())
    paused_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    resumed_at = models.DateTimeField(null=True)  # null: it lasts
    resumed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(resumed_at__isnull=True),
                name="pause_one_at_a_time",
                nulls_distinct=False,
            ),
        ]
        indexes = [models.Index(fields=["project", "-id"], name="pause_newest_first")]

    def __str__(self) -> str:
        return self.reason
