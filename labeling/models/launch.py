"""How a project begins: what is planned, and the pilot before all the rest."""

from django.db import models
from django.db.models import Q

from labeling.models.base import PublicIdModel
from labeling.models.people import User
from labeling.models.project import Project
from labeling.models.tasks import Task
from labeling.plans import Workload


class Plan(PublicIdModel):
    """What somebody means to have judged, by how many people, until when. The newest is the one in force."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="plans")
    prompts = models.PositiveIntegerField()
    completions_per_prompt = models.PositiveSmallIntegerField()
    overlap_share = models.FloatField()
    overlap_people = models.PositiveSmallIntegerField()
    minutes = models.FloatField()  # of one judgment
    people = models.PositiveSmallIntegerField()
    hours_a_day = models.FloatField()  # of each of them
    hourly_rate = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    currency = models.CharField(max_length=3)
    finish_on = models.DateField()  # by the project's calendar, begun on the day it was applied
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(prompts__gte=1, minutes__gt=0, people__gte=1, overlap_people__gte=1)
                & Q(hours_a_day__gt=0, hours_a_day__lte=24)
                & Q(overlap_share__range=(0.0, 1.0), completions_per_prompt__range=(2, 9)),
                name="plan_can_be_worked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} · {self.finish_on}"

    @property
    def workload(self) -> Workload:
        """With its hours and its cost."""
        return Workload(
            prompts=self.prompts,
            completions_per_prompt=self.completions_per_prompt,
            overlap_share=self.overlap_share,
            overlap_people=self.overlap_people,
            minutes=self.minutes,
            people=self.people,
            hours_a_day=self.hours_a_day,
            hourly_rate=self.hourly_rate,
        )


class Pilot(PublicIdModel):
    """Some tasks that everybody does before the rest is opened. One at a time in a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pilots")
    kind = models.CharField(max_length=16, choices=Task.Kind)
    tasks: "models.ManyToManyField[Task, models.Model]" = models.ManyToManyField(Task, related_name="pilots")
    started_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project"], condition=Q(ended_at__isnull=True), name="pilot_one_under_way"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} · {self.kind}"
