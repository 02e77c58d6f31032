"""Tasks that belong together, and for whom they are."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.base import PublicIdModel
from labeling.models.people import Membership, User
from labeling.models.project import Project


class TaskSet(PublicIdModel):
    """Reserved for the people named and for everybody of the group; without either it is for all."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="task_sets")
    name = models.CharField(_("name"), max_length=120)
    people = models.ManyToManyField(User, related_name="+", blank=True)
    group = models.CharField(max_length=16, choices=Membership.Group, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="task_set_name_unique_in_project"),
            models.CheckConstraint(
                condition=Q(group__in=["", "training", "held_out"]), name="task_set_group_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name
