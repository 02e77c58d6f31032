"""What people submit. Never overwritten: a change is a new revision."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.base import PublicIdModel
from labeling.models.project import GuidelineVersion
from labeling.models.prompts import Completion
from labeling.models.tasks import Assignment


class Submission(PublicIdModel):
    class Origin(models.TextChoices):
        PERSON = "person", _("person")
        SIMULATED = "simulated", _("simulated")
        IMPORT = "import", _("import")

    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="submissions")
    revision = models.PositiveIntegerField()
    # Chosen by the page that submits: the same key again is the same submission, not a second one.
    idempotency_key = models.CharField(max_length=64)
    origin = models.CharField(max_length=16, choices=Origin)
    guideline_version = models.ForeignKey(
        GuidelineVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    is_late = models.BooleanField(default=False)
    active_seconds = models.PositiveIntegerField(null=True)
    comment = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assignment", "revision"], name="submission_revision_unique"),
            models.UniqueConstraint(fields=["assignment", "idempotency_key"], name="submission_key_unique"),
        ]

    def __str__(self) -> str:
        return f"submission {self.public_id}"


class Ranking(models.Model):
    submission = models.OneToOneField(
        Submission, on_delete=models.CASCADE, primary_key=True, related_name="ranking"
    )
    # places[i] is the place of slot i + 1: 1 is best, equal places are ties, no number is left out.
    places = ArrayField(models.PositiveSmallIntegerField())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(places__len__range=(2, 9)), name="ranking_of_two_to_nine"),
            models.CheckConstraint(condition=~Q(places__contains=[0]), name="ranking_places_start_at_one"),
        ]

    def __str__(self) -> str:
        return "-".join(map(str, self.places))


class Demonstration(models.Model):
    """A completion an annotator wrote; its text is the completion's, stored once."""

    submission = models.OneToOneField(
        Submission, on_delete=models.CASCADE, primary_key=True, related_name="demonstration"
    )
    completion = models.OneToOneField(Completion, on_delete=models.PROTECT, related_name="demonstration")

    def __str__(self) -> str:
        return str(self.completion)
