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

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["accepted", "returned"]), name="review_verdict_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(verdict="returned") | ~Q(note=""), name="review_return_has_a_note"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} · {self.public_id}"
