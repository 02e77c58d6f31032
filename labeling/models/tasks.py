"""Units of labeling work and people's seats at them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from labeling.models.base import PublicIdModel, StatusChange
from labeling.models.people import User
from labeling.models.project import Project
from labeling.models.prompts import Completion, Prompt


class Task(PublicIdModel):
    class Kind(models.TextChoices):
        RANK = "rank", _("rank")
        DEMONSTRATE = "demonstrate", _("demonstrate")

    class Purpose(models.TextChoices):
        COLLECT = "collect", _("collect")
        EVALUATE = "evaluate", _("evaluate")

    class Status(models.TextChoices):
        OPEN = "open", _("open")  # wants more submissions
        COMPLETE = "complete", _("complete")  # has as many submissions as seats wanted
        WITHDRAWN = "withdrawn", _("withdrawn")  # taken back, handed out no more

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tasks")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="tasks")
    kind = models.CharField(max_length=16, choices=Kind)
    purpose = models.CharField(max_length=16, choices=Purpose, default=Purpose.COLLECT)
    status = models.CharField(max_length=16, choices=Status, default=Status.OPEN)
    # Of its prompt: copies, so that one index finds what a person may be given (labeling/eligibility.py).
    language = models.CharField(max_length=16, default="", editable=False)
    topics = ArrayField(models.CharField(max_length=16), default=list, editable=False)
    round = models.PositiveIntegerField(default=1)
    priority = models.SmallIntegerField(default=0)  # higher first
    seats_wanted = models.PositiveSmallIntegerField(default=1)
    # Seats of people who work on it or have submitted it.
    seats_taken = models.PositiveSmallIntegerField(default=0)
    completions: "models.ManyToManyField[Completion, TaskCompletion]" = models.ManyToManyField(
        Completion, through="TaskCompletion", related_name="tasks"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(seats_taken__lte=F("seats_wanted")), name="task_seats_within_wanted"
            ),
            models.UniqueConstraint(
                fields=["prompt", "purpose", "round"],
                condition=Q(kind="demonstrate"),
                name="task_one_demonstration_task_per_round",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="task_newest_first"),
            models.Index(fields=["project", "status", "kind", "-id"], name="task_by_status"),
            models.Index(
                "project",
                "kind",
                "language",
                "topics",
                F("priority").desc(),
                "id",
                condition=Q(status="open", seats_taken__lt=F("seats_wanted")),
                name="task_to_hand_out",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class TaskCompletion(models.Model):
    """Which completion stands in which slot (1…K) of a ranking task."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="slots")
    slot = models.PositiveSmallIntegerField()
    completion = models.ForeignKey(Completion, on_delete=models.PROTECT, related_name="slots")

    class Meta:
        ordering = ["slot"]
        constraints = [
            models.UniqueConstraint(fields=["task", "slot"], name="task_slot_unique"),
            models.UniqueConstraint(fields=["task", "completion"], name="task_completion_unique"),
            models.CheckConstraint(condition=Q(slot__range=(1, 9)), name="task_slot_range"),
        ]

    def __str__(self) -> str:
        return f"slot {self.slot}"


class Assignment(PublicIdModel):
    """One person's seat at one task: there is one row per pair, ever, inserted at the claim."""

    class Status(models.TextChoices):
        RESERVED = "reserved", _("reserved")  # the next task of somebody who is at work on another
        LEASED = "leased", _("in work")
        SUBMITTED = "submitted", _("submitted")
        SKIPPED = "skipped", _("skipped")
        EXPIRED = "expired", _("expired")  # the lease ran out and the seat went back; may be leased again

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="assignments")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="assignments")
    status = models.CharField(max_length=16, choices=Status, default=Status.LEASED)
    # False for a submission that came after the seat had gone to someone else: an extra judgment.
    holds_seat = models.BooleanField(default=True)
    lease_until = models.DateTimeField(null=True)
    # The slots in the order this person sees them; shown as outputs 1…K.
    display_order = ArrayField(models.PositiveSmallIntegerField(), default=list)
    draft = models.JSONField(default=dict)
    draft_version = models.PositiveIntegerField(default=0)
    claimed_at = models.DateTimeField(db_default=Now())
    # Time at work on it since the last submission, up to active_counted_at (null: since the claim).
    active_seconds = models.PositiveIntegerField(default=0, db_default=0)
    active_counted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "user"], name="assignment_one_seat_per_person"),
            models.CheckConstraint(
                condition=~Q(status__in=["reserved", "leased"])
                | Q(lease_until__isnull=False, holds_seat=True),
                name="assignment_lease_has_an_end",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["skipped", "expired"]) | Q(holds_seat=False),
                name="assignment_given_back_holds_no_seat",
            ),
            models.UniqueConstraint(
                fields=["user"], condition=Q(status="reserved"), name="assignment_one_reservation_per_person"
            ),
        ]
        indexes = [
            models.Index(
                fields=["lease_until"],
                condition=Q(status__in=["reserved", "leased"]),
                name="assignment_leases",
            ),
            models.Index(
                fields=["user"],
                condition=Q(status__in=["reserved", "leased", "expired"]),
                name="assignment_unfinished_of_user",
            ),
        ]

    def __str__(self) -> str:
        return f"assignment {self.public_id}"


def output_letter(number: int) -> str:
    """What output 1…9 is called on the page: A…I, since numbers are places there."""
    return chr(ord("A") + number - 1)


class TaskStatusChange(StatusChange):
    subject = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="status_changes")


class AssignmentStatusChange(StatusChange):
    subject = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="status_changes")
