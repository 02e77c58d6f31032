"""How much there is and how much was done, counted as it happens.

Triggers write these rows (migration 0015), in the transaction of what they count; nothing else does, but for
labeling/actions/counts.py, which folds and repairs them. Pages read them instead of the record.
"""

from django.db import models

from labeling.models.people import User
from labeling.models.project import Project


class StageCount(models.Model):
    """What was added to the counts of one language, category and kind, or taken off; their sum is the count.

    Rows are only ever added, so that a hundred people at work never wait for one row; now and then they are
    folded into one a group. kind, purpose and status are empty in rows that count prompts.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    language = models.CharField(max_length=16)
    category = models.CharField(max_length=16)
    kind = models.CharField(max_length=16, blank=True, db_default="")
    purpose = models.CharField(max_length=16, blank=True, db_default="")
    status = models.CharField(max_length=16, blank=True, db_default="")
    prompts = models.BigIntegerField(default=0, db_default=0)
    tasks = models.BigIntegerField(default=0, db_default=0)
    seats = models.BigIntegerField(default=0, db_default=0)  # wanted by these tasks
    judgments = models.BigIntegerField(default=0, db_default=0)  # submitted to these tasks, revisions aside

    def __str__(self) -> str:
        return f"{self.language} {self.category} {self.kind} {self.status}"


class DailyWork(models.Model):
    """What one person did on one day of the project's calendar; a row is only ever theirs."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="daily_work", db_index=False)
    day = models.DateField()
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="daily_work")
    kind = models.CharField(max_length=16)
    purpose = models.CharField(max_length=16)
    submissions = models.PositiveIntegerField(default=0, db_default=0)  # revisions aside
    timed = models.PositiveIntegerField(default=0, db_default=0)  # of those: with a measured time
    active_seconds = models.PositiveBigIntegerField(default=0, db_default=0)  # of revisions too, on their day
    # Of what was submitted on this day and is the newest revision: what its newest review says.
    accepted = models.PositiveIntegerField(default=0, db_default=0)
    returned = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "day", "user", "kind", "purpose"], name="daily_work_one_row_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.kind}"
