"""Time at work, what it is paid with, and the sheets that are paid by."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from labeling.models.base import PublicIdModel
from labeling.models.people import User
from labeling.models.project import Project


class WorkTime(models.Model):
    """How long somebody was at work in a quarter of an hour: on whatever they submitted, skipped or left.

    Counted as it is spent. In every time zone days begin on a quarter of an hour: these add up to anybody's.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    begun_at = models.DateTimeField()  # the quarter's beginning
    # What was counted in it: the page says so now and then, so part of it may be older.
    seconds = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "work time"
        constraints = [
            models.UniqueConstraint(fields=["project", "begun_at", "user"], name="work_time_unique"),
        ]
        indexes = [models.Index(fields=["user", "begun_at"], name="work_time_of_person")]

    def __str__(self) -> str:
        return f"{self.user} · {self.begun_at} · {self.seconds} s"


class Rate(models.Model):
    """What an hour or an accepted task is paid with from a day on; the newest of that day or before holds."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rates")
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")  # null: all others
    amount = models.DecimalField(max_digits=12, decimal_places=4)
    currency = models.CharField(max_length=3)
    valid_from = models.DateField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="rate_is_not_negative"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="rate_has_a_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class TimesheetPeriod(PublicIdModel):
    """From one day to another by the project's calendar. Once closed, its lines are rows and stay so."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="timesheet_periods")
    begin = models.DateField()
    end = models.DateField()  # its last day
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        # Two that overlap otherwise are refused under a lock on the project (actions/timesheets.py).
        constraints = [
            models.UniqueConstraint(fields=["project", "begin"], name="timesheet_period_begins_once"),
            models.UniqueConstraint(fields=["project", "end"], name="timesheet_period_ends_once"),
            models.CheckConstraint(
                condition=Q(end__gte=F("begin")), name="timesheet_period_ends_after_it_begins"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True)
                | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="timesheet_period_is_closed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.begin:%Y-%m-%d} – {self.end:%Y-%m-%d}"


class TimesheetLine(models.Model):
    """What one person did at one rate, as it was when its period was closed; or a correction of a closed one.

    While a period is open, unsaved lines say how it stands (labeling/timesheet_queries.py).
    """

    period = models.ForeignKey(TimesheetPeriod, on_delete=models.PROTECT, related_name="lines")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="timesheet_lines")
    # The days on which its rate held.
    begin = models.DateField()
    end = models.DateField()
    seconds = models.IntegerField()
    tasks = models.IntegerField()
    accepted = models.IntegerField()  # less what was taken back: may be negative
    paid_by = models.CharField(max_length=8, choices=Project.PaidBy)
    rate = models.DecimalField(max_digits=12, decimal_places=4, null=True)  # null: nobody had set one
    currency = models.CharField(max_length=3, blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    # A correction: which closed period it changes, why, and who says so. Paid with the period it stands in.
    corrects = models.ForeignKey(
        TimesheetPeriod, on_delete=models.PROTECT, null=True, related_name="corrections"
    )
    reason = models.TextField(blank=True)
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["period", "user", "begin"],
                condition=Q(corrects__isnull=True),
                name="timesheet_line_unique",
            ),
            models.CheckConstraint(
                condition=Q(corrects__isnull=True, author__isnull=True, reason="")
                | Q(corrects__isnull=False, author__isnull=False, reason__regex=r"\S"),
                name="timesheet_correction_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(corrects__isnull=False) | Q(seconds__gte=0, tasks__gte=0),
                name="timesheet_work_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | ~Q(currency=""), name="timesheet_amount_has_a_currency"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.period}"
