"""Runs of the engine: what was asked, who works on it, how far it is."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from labeling.models import Project, PublicIdModel, StatusChange, User
from training.models.snapshots import Snapshot


class Run(PublicIdModel):
    class Kind(models.TextChoices):
        SAMPLE = "sample", _("sampling")
        PRETRAIN = "pretrain", _("pretraining")
        SFT = "sft", _("supervised fine-tuning")
        REWARD_MODEL = "reward_model", _("reward model")
        PPO = "ppo", _("PPO")
        SCORE = "score", _("scoring")

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=16, choices=Kind)
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    # Hyper-parameters as asked; directories of inputs are filled in when the run starts.
    config = models.JSONField(default=dict)
    seed = models.PositiveBigIntegerField(default=0)
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, null=True, related_name="runs")
    # A text corpus: what pretraining reads, or what is mixed into fine-tuning and PPO.
    corpus = models.ForeignKey(Snapshot, on_delete=models.PROTECT, null=True, related_name="corpus_runs")
    # Sampling only: the prompts' splits and the round its ranking tasks belong to.
    splits = models.JSONField(default=list)
    round = models.PositiveIntegerField(default=1)

    # The newest attempt's number: whoever holds an older one has been superseded (fencing).
    attempt = models.PositiveIntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(default=0)
    progress_unit = models.CharField(max_length=32, blank=True)
    message = models.TextField(blank=True)  # the newest sentence about what is being done
    error = models.TextField(blank=True)
    result = models.JSONField(default=dict)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    # The chain that it is a step of; null: it was started for itself.
    chain = models.ForeignKey("training.Chain", on_delete=models.SET_NULL, null=True, related_name="runs")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "kind"], name="run_one_per_step_of_a_chain"),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running"]) | Q(finished_at__isnull=False),
                name="run_ended_has_an_end",
            ),
            models.CheckConstraint(condition=~Q(status="failed") | ~Q(error=""), name="run_failed_says_why"),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="run_newest_first"),
            models.Index(
                fields=["status"], condition=Q(status__in=["queued", "running"]), name="run_unfinished"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"

    @property
    def is_over(self) -> bool:
        return self.status not in {self.Status.QUEUED, self.Status.RUNNING}

    @property
    def directory(self) -> Path:
        return Path(settings.ARTIFACTS_DIR) / "runs" / str(self.pk)

    @property
    def is_cancelling(self) -> bool:
        return self.cancel_requested_at is not None and not self.is_over


class RunInput(models.Model):
    """Lineage from models: this run read this version in this role; of an ensemble it read several."""

    class Role(models.TextChoices):
        """Named as the field of the run's config that takes the directory."""

        POLICY = "policy", _("policy")
        REWARD_MODEL = "reward_model", _("reward model")

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="inputs")
    role = models.CharField(max_length=16, choices=Role)
    model_version = models.ForeignKey(
        "training.ModelVersion", on_delete=models.PROTECT, related_name="used_as"
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["run", "role", "model_version"], name="run_input_once_in_a_role"),
            models.UniqueConstraint(fields=["run"], condition=Q(role="policy"), name="run_input_one_policy"),
        ]


class RunAttempt(models.Model):
    """One process working on a run. Its heartbeat is the lease; its number is the fencing token."""

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        STOPPED = "stopped", _("stopped with its worker")
        CRASHED = "crashed", _("killed from outside")
        LOST = "lost", _("not heard of again")

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    node = models.CharField(max_length=255)
    pid = models.PositiveIntegerField(null=True)  # of the engine's process, once it runs
    started_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    # Where this attempt's counting began and when: what its rate is reckoned from.
    progress_from = models.PositiveBigIntegerField(null=True)
    progress_from_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    exit_code = models.IntegerField(null=True)  # negative: the signal that ended it
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="run_attempt_number_unique")]


class RunStatusChange(StatusChange):
    subject = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="status_changes")
