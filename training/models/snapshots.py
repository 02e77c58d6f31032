"""Immutable exports of a project's record, and which submissions are in them."""

from pathlib import Path

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models import Project, PublicIdModel, StatusChange, Submission, User


class Snapshot(PublicIdModel):
    class Content(models.TextChoices):
        PROMPTS = "prompts", _("prompts")
        DEMONSTRATIONS = "demonstrations", _("demonstrations")
        RANKINGS = "rankings", _("rankings")
        COMPLETIONS = "completions", _("completions")
        CORPUS = "corpus", _("text corpus")

    class Status(models.TextChoices):
        BUILDING = "building", _("being built")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    # What people have made, which is what training usually reads.
    RECORD = (Content.PROMPTS, Content.DEMONSTRATIONS, Content.RANKINGS)

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="snapshots")
    contents = ArrayField(models.CharField(max_length=16, choices=Content))
    status = models.CharField(max_length=16, choices=Status, default=Status.BUILDING)
    # {"splits": ["train", …]}: what was left out and why counts are what they are.
    filters = models.JSONField(default=dict)
    # {"rankings": {"train": 12, "valid": 3}, …}; of a corpus {"corpus": {"documents": 9, "characters": 99}}
    counts = models.JSONField(default=dict)
    # SHA-256 over the SHA-256 of the files, by name.
    content_hash = models.CharField(max_length=64, blank=True)
    path = models.CharField(max_length=500, blank=True)  # below ARTIFACTS_DIR
    error = models.TextField(blank=True)
    # Of a corpus only: what it is called, the file it is read from and how far, in bytes, and its broken
    # lines: [{"line": n, "reason": "…"}].
    name = models.CharField(max_length=120, blank=True)
    source = models.CharField(max_length=500, blank=True)  # below ARTIFACTS_DIR, or absolute
    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(default=0)
    problems = models.JSONField(default=list)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    submissions: "models.ManyToManyField[Submission, SnapshotMember]" = models.ManyToManyField(
        Submission, through="SnapshotMember", related_name="snapshots"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="ready") | (~Q(content_hash="") & ~Q(path="")),
                name="snapshot_ready_has_files",
            ),
            models.CheckConstraint(
                condition=Q(contents=["corpus"]) | ~Q(contents__contains=["corpus"]),
                name="snapshot_corpus_stands_alone",
            ),
        ]
        indexes = [models.Index(fields=["project", "-id"], name="snapshot_newest_first")]

    def __str__(self) -> str:
        return self.name or f"snapshot {self.content_hash[:8] or self.public_id}"

    @property
    def directory(self) -> Path:
        return Path(settings.ARTIFACTS_DIR) / self.path


class SnapshotMember(models.Model):
    """Lineage from judgments: this submission is in this snapshot."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="members")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="snapshot_members")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "submission"], name="snapshot_member_unique"),
        ]


class SnapshotStatusChange(StatusChange):
    subject = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="status_changes")
