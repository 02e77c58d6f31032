"""Questions that people ask while they work, and the answers that everybody reads."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.base import PublicIdModel
from labeling.models.people import User
from labeling.models.project import Project
from labeling.models.tasks import Assignment


class Thread(PublicIdModel):
    """What one person asks about one task. Open while a question waits; a further question opens it again."""

    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="thread")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True)
                | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="thread_is_closed_by_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(closed_at__isnull=True), name="thread_open"),
        ]

    def __str__(self) -> str:
        return f"thread {self.public_id}"


class ThreadMessage(PublicIdModel):
    """A question when the person of the assignment wrote it; an answer when a manager did."""

    class Kind(models.TextChoices):
        QUESTION = "question", _("question")
        ANSWER = "answer", _("answer")

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    body = models.TextField()
    # Chosen by the page that sends: the same key again is the same message, not a second one.
    idempotency_key = models.CharField(max_length=64)
    read_at = models.DateTimeField(null=True)  # when whoever asked said that they have seen the answer

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["thread", "idempotency_key"], name="thread_message_key_unique"),
            models.CheckConstraint(condition=Q(body__regex=r"\S"), name="thread_message_says_something"),
            models.CheckConstraint(
                condition=Q(kind="answer") | Q(kind="question", read_at__isnull=True),
                name="thread_message_answers_are_read",
            ),
        ]
        indexes = [
            models.Index(
                fields=["thread"],
                condition=Q(kind="answer", read_at__isnull=True),
                name="thread_answers_unread",
            ),
        ]

    def __str__(self) -> str:
        return self.body[:80]


class FaqEntry(PublicIdModel):
    """A question with its answer, published below the guidelines. A change is a new row in the same place."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="faq_entries")
    language = models.CharField(max_length=16)
    position = models.PositiveIntegerField()
    question = models.TextField()
    answer = models.TextField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # The question it came from, told to managers alone; null: written for the FAQ.
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, null=True, related_name="faq_entries")
    retired_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "FAQ entries"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "position"],
                condition=Q(retired_at__isnull=True),
                name="faq_entry_one_in_a_place",
            ),
            models.CheckConstraint(
                condition=Q(question__regex=r"\S") & Q(answer__regex=r"\S"),
                name="faq_entry_says_something",
            ),
        ]

    def __str__(self) -> str:
        return self.question[:80]
