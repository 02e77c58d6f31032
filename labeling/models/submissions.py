"""What people submit. Never overwritten: a change is a new revision."""

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.base import PublicIdModel
from labeling.models.project import GuidelineVersion, Project
from labeling.models.prompts import Completion
from labeling.models.rubrics import RubricVersion
from labeling.models.tasks import Assignment

if TYPE_CHECKING:
    from labeling.models.reviews import Review


class Submission(PublicIdModel):
    class Origin(models.TextChoices):
        PERSON = "person", _("person")
        SIMULATED = "simulated", _("simulated")
        IMPORT = "import", _("import")

    class Verdict(models.TextChoices):
        """What came of the task. Only what is ranked or written trains anything."""

        RANKED = "ranked", _("ranked")
        WRITTEN = "written", _("written")
        NONE_USABLE = "none_usable", _("none is usable")
        PROMPT_PROBLEM = "prompt_problem", _("something is wrong with the prompt")

    class ReviewState(models.TextChoices):
        """What the newest review of this revision says; only `transitions` writes it."""

        NOT_REVIEWED = "not_reviewed", _("not reviewed")
        RETURNED = "returned", _("returned")
        ACCEPTED = "accepted", _("accepted")

    # Found by the indexes of the constraints, which begin with it.
    assignment = models.ForeignKey(
        Assignment, on_delete=models.PROTECT, related_name="submissions", db_index=False
    )
    # The task's, which never changes: what waits for review is found by an index that begins with it.
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="submissions", db_index=False)
    revision = models.PositiveIntegerField()
    # Chosen by the page that submits: the same key again is the same submission, not a second one.
    idempotency_key = models.CharField(max_length=64)
    origin = models.CharField(max_length=16, choices=Origin)
    guideline_version = models.ForeignKey(
        GuidelineVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    # The questions that were asked, whatever the project asks by now; null: none.
    rubric_version = models.ForeignKey(RubricVersion, on_delete=models.PROTECT, null=True, related_name="+")
    verdict = models.CharField(max_length=16, choices=Verdict)
    is_late = models.BooleanField(default=False)
    active_seconds = models.PositiveIntegerField(null=True)
    comment = models.TextField(blank=True)
    review_state = models.CharField(
        max_length=16,
        choices=ReviewState,
        default=ReviewState.NOT_REVIEWED,
        db_default=ReviewState.NOT_REVIEWED,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assignment", "revision"], name="submission_revision_unique"),
            models.UniqueConstraint(fields=["assignment", "idempotency_key"], name="submission_key_unique"),
            models.CheckConstraint(
                condition=Q(verdict__in=["ranked", "written", "none_usable", "prompt_problem"]),
                name="submission_verdict_is_known",
            ),
            models.CheckConstraint(
                condition=Q(review_state__in=["not_reviewed", "returned", "accepted"]),
                name="submission_review_state_is_known",
            ),
        ]
        # Of what people submitted; reviewers are shown nothing else.
        indexes = [
            # How many tasks each person first submitted within some days.
            models.Index(
                fields=["project", "created_at"],
                include=["assignment"],
                condition=Q(origin="person", revision=1),
                name="submission_first_by_time",
            ),
            models.Index(
                fields=["project", "-id"], condition=Q(origin="person"), name="submission_newest_first"
            ),
            models.Index(
                fields=["project", "review_state", "-id"],
                condition=Q(origin="person"),
                name="submission_by_review_state",
            ),
        ]

    def __str__(self) -> str:
        return f"submission {self.public_id}"

    @property
    def newest_review(self) -> "Review | None":
        """The one that says its state; without a query where reviews were fetched with it."""
        return next(iter(self.reviews.all()), None)


class Ranking(models.Model):
    submission = models.OneToOneField(
        Submission, on_delete=models.CASCADE, primary_key=True, related_name="ranking"
    )
    # places[i] is the place of slot i + 1: 1 is best, equal places are ties, no number is left out.
    places = ArrayField(models.PositiveSmallIntegerField())
    # Of two outputs: how much better, 1 slightly … 3 much; null: not said.
    strength = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(places__len__range=(2, 9)), name="ranking_of_two_to_nine"),
            models.CheckConstraint(condition=~Q(places__contains=[0]), name="ranking_places_start_at_one"),
            models.CheckConstraint(
                condition=Q(strength__isnull=True)
                | Q(strength__range=(1, 3), places__len=2, places__contains=[1, 2]),
                name="ranking_strength_of_two_that_differ",
            ),
        ]

    def __str__(self) -> str:
        return "-".join(map(str, self.places))


class Demonstration(models.Model):
    """A completion an annotator wrote; its text is the completion's, stored once.

    What is pasted and what is declared are evidence for whoever reviews, and never a reason to refuse.
    """

    class Assistance(models.TextChoices):
        """What part an AI tool had, as the writer says."""

        NONE = "none", _("no tool")
        EDITED = "edited", _("edited with a tool")
        WRITTEN = "written", _("written with a tool")

    submission = models.OneToOneField(
        Submission, on_delete=models.CASCADE, primary_key=True, related_name="demonstration"
    )
    completion = models.OneToOneField(Completion, on_delete=models.PROTECT, related_name="demonstration")
    # Characters pasted or dropped while it was written, as the page counted them; null: nobody counted.
    pasted_characters = models.PositiveIntegerField(null=True)
    assistance = models.CharField(max_length=8, choices=Assistance, blank=True)  # empty: not said
    assistance_tool = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(assistance__in=["", "none", "edited", "written"]),
                name="demonstration_assistance_is_known",
            ),
        ]

    def __str__(self) -> str:
        return str(self.completion)

    @property
    def pasted_share(self) -> float | None:
        """Characters pasted ÷ characters of the text that was submitted, at most 1; None: nobody counted.

        A pasted character counts once, whatever became of it: edited or deleted later, it is not taken off.
        What the writer cut, copied or dragged within the text itself and put elsewhere is not pasted.
        """
        if self.pasted_characters is None:
            return None
        return min(1.0, self.pasted_characters / max(1, len(self.completion.text)))


class Answer(models.Model):
    """To one question of the submission's rubric version; a flag that is not set has none."""

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="answers")
    question = models.CharField(max_length=40)
    slot = models.PositiveSmallIntegerField(null=True)  # null: about the prompt
    value = models.JSONField()  # a number of a scale, true, the key of an option, or a text

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "question", "slot"], name="answer_unique", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.question}: {self.value}"
