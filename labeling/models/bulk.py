"""One change to many tasks or prompts, done in batches."""

from django.db import models
from django.db.models import Q

from labeling.models.base import PublicIdModel
from labeling.models.people import User
from labeling.models.project import Project


class BulkChange(PublicIdModel):
    """Confirmed by a manager, then carried out batch by batch, whoever does it; how far it is lies here.

    Over when it has an end: because nothing is left, somebody stopped it, or, with an error, it failed.
    """

    class Target(models.TextChoices):
        TASKS = "tasks"
        PROMPTS = "prompts"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="bulk_changes")
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    target = models.CharField(max_length=8, choices=Target)
    action = models.CharField(max_length=40)  # a key of labeling.actions.changes.CHANGES
    options = models.JSONField(default=dict)  # what the action was told, such as {"topics": […]}
    # {"ids": [public ids]} or {"filter": {field: value}}.
    selection = models.JSONField(default=dict)
    # Rows with a primary key below it are still to be done; what came later than the page is never touched.
    below = models.BigIntegerField()
    total = models.PositiveIntegerField()  # as the manager was told
    done = models.PositiveIntegerField(default=0)  # looked at
    changed = models.PositiveIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)  # workers that took it up since the last batch
    heartbeat_at = models.DateTimeField(null=True)  # when somebody was last at it
    finished_at = models.DateTimeField(null=True)
    stopped_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(changed__lte=models.F("done")), name="bulk_change_counts"),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=False) | Q(stopped_by__isnull=True, error=""),
                name="bulk_change_ended_has_an_end",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(finished_at__isnull=True), name="bulk_change_unfinished"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"

    @property
    def left(self) -> int:
        """Rows that nobody has looked at yet; none where some have gone meanwhile."""
        return max(0, self.total - self.done)

    @property
    def is_over(self) -> bool:
        return self.finished_at is not None
