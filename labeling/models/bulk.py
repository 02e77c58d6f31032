"""One change to many tasks or prompts, done in batches."""

from django.db import models
from django.db.models import Q

from labeling.models.base import PublicIdModel
from labeling.models.people import User
from labeling.models.project import Project


class BulkChange(PublicIdModel):
    """Confirmed by a manager, then carried out batch by batch; how far it is lies here: it can go on."""

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
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(changed__lte=models.F("done")), name="bulk_change_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"
