"""Units of labeling work and people's seats at them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _

from labeling.models.base import PublicIdModel, StatusChange
from labeling.models.people import User
from labeling.models.project import Project
from labeling.models.prompts import Completion, Prompt
from labeling.models.task_sets import TaskSet


class Task(PublicIdModel):
    class Kind(models.TextChoices):
        RANK = "rank", _("rank")
        DEMONSTRATE = "demonstrate", _("demonstrate")

    class Purpose(models.TextChoices):
        COLLECT = "collect", _("collect")
        EVALUATE = "evaluate", _("evaluate")
        GOLD = "gold", _("gold")  # its answer is known: mixed in, it tells how well people judge
        QUALIFY = "qualify", _("qualify")  # its answer is known: for those who are not qualified yet

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
    # Null: for everybody. It is part of what the claim finds by, so that it walks past nobody else's.
    task_set = models.ForeignKey(
        TaskSet, on_delete=models.PROTECT, null=True, related_name="tasks", db_index=False
    )
    # The known answer, as in Ranking.places, and who gave it.
    reference_places = ArrayField(models.PositiveSmallIntegerField(), null=True)
    reference_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
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
            models.CheckConstraint(
                condition=Q(
                    purpose__in=["gold", "qualify"],
                    kind="rank",
                    reference_places__isnull=False,
                    reference_places__len__range=(2, 9),
                )
                | Q(purpose__in=["collect", "evaluate"], reference_places__isnull=True),
                name="task_reference_where_the_answer_is_known",
            ),
            models.CheckConstraint(
                condition=Q(reference_places__isnull=True) | ~Q(reference_places__contains=[0]),
                name="task_reference_places_start_at_one",
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
                "purpose",
                Coalesce("task_set", 0),
                "language",
                "topics",
                F("priority").desc(),
                "id",
                condition=Q(status="open", seats_taken__lt=F("seats_wanted")),
                name="task_to_hand_out",
            ),
            models.Index(fields=["task_set"], condition=Q(task_set__isnull=False), name="task_of_a_set"),
            models.Index(
                fields=["project", "purpose"],
                condition=Q(purpose__in=["gold", "qualify"]),
                name="task_with_a_known_answer",
            ),
            # Of which agreement is measured.
            models.Index(
                fields=["project", "-id"],
                condition=Q(kind="rank", seats_taken__gte=2),
                name="task_judged_by_several",
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
    """One person's seat at one task: there is one row per pair, ever, inserted at the claim.

    Or why they are never given one: whoever wrote an output of a task, or has seen what others made of it,
    has such a row before any claim. So the claim has one rule, and no slow path: nobody is handed a task at
    which they have a row already.
    """

    class Status(models.TextChoices):
        RESERVED = "reserved", _("reserved")  # the next task of somebody who is at work on another
        LEASED = "leased", _("in work")
        SUBMITTED = "submitted", _("submitted")
        SKIPPED = "skipped", _("skipped")
        EXPIRED = "expired", _("expired")  # the lease ran out and the seat went back; may be leased again
        WROTE = "wrote", _("wrote one of its outputs")
        SAW = "saw", _("saw what others made of it")

    # Of whoever may not judge the task.
    BARRED = (Status.WROTE, Status.SAW)

    # Found by the constraint's index, which begins with it; each more costs something at every claim.
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="assignments", db_index=False)
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
                condition=~Q(status__in=["skipped", "expired", "wrote", "saw"]) | Q(holds_seat=False),
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
