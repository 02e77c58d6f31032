"""What people have been told, and what they want to be told."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from labeling.models.people import User
from labeling.models.project import GuidelineVersion, Project
from labeling.models.tasks import Task


class GuidelineAcknowledgement(models.Model):
    """This person has said that they read this version."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="guideline_acknowledgements")
    version = models.ForeignKey(GuidelineVersion, on_delete=models.CASCADE, related_name="acknowledgements")
    acknowledged_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "version"], name="guideline_acknowledged_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.version}"


class TaskWish(models.Model):
    """Somebody who found nothing to do wants one mail when there is something again."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="task_wishes")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="task_wishes")
    kind = models.CharField(max_length=16, choices=Task.Kind)
    created_at = models.DateTimeField(db_default=Now())
    told_at = models.DateTimeField(null=True)  # when the mail went out; it goes once

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "project", "kind"],
                condition=Q(told_at__isnull=True),
                name="task_wish_waits_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.project} · {self.kind}"
