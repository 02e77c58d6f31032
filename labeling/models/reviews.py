"""What a reviewer made of a submission. Never overwritten: the newest review counts."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.base import PublicIdModel
from labeling.models.people import User
from labeling.models.submissions import Submission


class Review(PublicIdModel):
    """Of one revision: a new one has none yet. `Submission.review_state` says what the newest review says."""

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        RETURNED = "returned", _("returned")

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="reviews")
    reviewer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reviews")
    verdict = models.CharField(max_length=16, choices=Verdict)
    note = models.TextField(blank=True)  # to the author; whoever gets work back is told why
    # To the number of accepted tasks: 1 when its task was not accepted before, -1 when it takes that back.
    gain = models.SmallIntegerField(default=0, db_default=0)

    class Meta:
        ordering = ["-id"]
        indexes = [
            # How much was accepted within some days.
            models.Index(fields=["created_at"], include=["submission", "gain"], name="review_by_time"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["accepted", "returned"]), name="review_verdict_is_known"
            ),
            models.CheckConstraint(
                condition=Q(verdict="accepted", gain__in=[0, 1]) | Q(verdict="returned", gain__in=[0, -1]),
                name="review_gain_goes_with_its_verdict",
            ),
            models.CheckConstraint(
                condition=~Q(verdict="returned") | ~Q(note=""), name="review_return_has_a_note"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} · {self.public_id}"
