"""What a project asks about each output and each prompt, besides the ranking."""

from functools import cached_property

from django.db import models

from labeling.models.base import PublicIdModel
from labeling.models.people import User
from labeling.models.project import Project
from labeling.rubrics.questions import Question, read_questions


class RubricVersion(PublicIdModel):
    """The questions in their order; none at all: people only rank.

    A change is a new number; submissions keep theirs.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rubric_versions")
    number = models.PositiveIntegerField()
    questions = models.JSONField()  # as labeling.rubrics.questions writes and reads them
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="rubric_version_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.project} · {self.number}"

    @cached_property
    def asked(self) -> tuple[Question, ...]:
        return read_questions(self.questions)
