"""One prompt answered by versions side by side, for an engineer to look at. Never part of the record."""

from django.db import models

from labeling.models import Project, PublicIdModel, User
from training.models.models import ModelVersion
from training.models.runs import Run


class Trial(PublicIdModel):
    """Its prompt is no Prompt and its answers are no Completions: no task and no snapshot can hold them."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="trials")
    messages = models.JSONField()  # as Prompt.messages
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["project", "-id"], name="trial_newest_first")]

    def __str__(self) -> str:
        return str(self.messages[-1]["content"])[:80]


class TrialAnswer(models.Model):
    """What one version said; text is null until its run has brought it."""

    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="answers")
    place = models.PositiveSmallIntegerField()  # 1 stands on the left
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="trial_answers")
    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="trial_answer")
    text = models.TextField(null=True)  # noqa: DJ001 - an empty answer is an answer
    finish_reason = models.CharField(max_length=16, blank=True)  # as Sample.finish_reason
    token_count = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["trial", "place"], name="trial_answer_place_unique"),
            models.UniqueConstraint(fields=["trial", "model_version"], name="trial_answer_version_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.model_version}: {(self.text or '')[:80]}"
