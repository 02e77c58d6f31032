"""Imports and exports: files that come in or go out, one row each; and openings of many tasks, which are
watched and cancelled like them."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.base import PublicIdModel, StatusChange
from labeling.models.people import User
from labeling.models.project import Project


class Transfer(PublicIdModel):
    class Direction(models.TextChoices):
        IMPORT = "import", _("import")
        EXPORT = "export", _("export")
        TASKS = "tasks", _("opening of tasks")

    class Content(models.TextChoices):
        PROMPTS = "prompts", _("prompts")
        SFT = "sft", _("demonstrations for SFT")
        PREFERENCE = "preference", _("comparisons")
        RANKINGS = "rankings", _("rankings")
        RANK = "rank", _("tasks to rank")  # as Task.Kind says, of an opening
        DEMONSTRATE = "demonstrate", _("tasks to write")

    class Format(models.TextChoices):
        JSONL = "jsonl", "JSONL"
        CSV = "csv", "CSV"
        PARQUET = "parquet", "Parquet"
        ARROW = "arrow", "Arrow"

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("uploaded")  # an import that nobody has confirmed yet
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="transfers")
    direction = models.CharField(max_length=8, choices=Direction)
    content = models.CharField(max_length=16, choices=Content)
    format = models.CharField(max_length=8, choices=Format, blank=True)  # empty: there is no file
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    # What an export takes: {"splits": […], "origins": […], …}; how an import reads: {"language": …, …}.
    options = models.JSONField(default=dict)
    attempt = models.PositiveIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(null=True)
    # Import: {"added": n, "known": n, "broken": n, …}. Export: rows by split and the file's hash. Opening:
    # {"opened": n, "too_alike": n}.
    counts = models.JSONField(default=dict)
    # The first broken lines of an import: [{"line": n, "reason": "…"}]; with "file" where it has several.
    problems = models.JSONField(default=list)
    error = models.TextField(blank=True)
    path = models.CharField(max_length=500, blank=True)  # below ARTIFACTS_DIR
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["uploaded", "queued", "running"]) | Q(finished_at__isnull=False),
                name="transfer_ended_has_an_end",
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | ~Q(error=""), name="transfer_failed_says_why"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="transfer_newest_first"),
            models.Index(
                fields=["status"], condition=Q(status__in=["queued", "running"]), name="transfer_unfinished"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.direction} of {self.content}"

    @property
    def is_over(self) -> bool:
        return self.status not in {self.Status.UPLOADED, self.Status.QUEUED, self.Status.RUNNING}

    @property
    def is_cancelling(self) -> bool:
        return self.cancel_requested_at is not None and not self.is_over

    @property
    def directory(self) -> Path:
        return Path(settings.ARTIFACTS_DIR) / "transfers" / str(self.pk)


class TransferStatusChange(StatusChange):
    subject = models.ForeignKey(Transfer, on_delete=models.CASCADE, related_name="status_changes")
