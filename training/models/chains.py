"""Steps that follow each other by themselves, and the rule that starts them without a person."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models import Project, PublicIdModel, StatusChange, User
from training.models.runs import Run
from training.models.snapshots import Snapshot


class RetrainRule(models.Model):
    """When a project trains without being asked: after so many new rankings, every so many days, or both."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="retrain_rule")
    is_enabled = models.BooleanField(_("Retrain by itself"), default=False)
    enabled_at = models.DateTimeField(null=True)  # since when; the cadence begins here
    after_rankings = models.PositiveIntegerField(_("After new rankings"), null=True)
    every_days = models.PositiveSmallIntegerField(_("Every"), null=True)
    # Whose settings its runs take; null: the engine's defaults.
    reward_model_like = models.ForeignKey(Run, on_delete=models.PROTECT, null=True, related_name="+")
    ppo_like = models.ForeignKey(Run, on_delete=models.PROTECT, null=True, related_name="+")
    # The account that stands for the rule: the starter of whatever it starts. Nobody signs in with it.
    account = models.OneToOneField(User, on_delete=models.PROTECT, related_name="+")
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(is_enabled=False)
                | Q(enabled_at__isnull=False, after_rankings__isnull=False)
                | Q(enabled_at__isnull=False, every_days__isnull=False),
                name="retrain_rule_enabled_says_when",
            ),
            models.CheckConstraint(
                condition=Q(after_rankings__isnull=True) | Q(after_rankings__gte=1),
                name="retrain_rule_after_at_least_one",
            ),
            models.CheckConstraint(
                condition=Q(every_days__isnull=True) | Q(every_days__gte=1),
                name="retrain_rule_every_day_at_most",
            ),
        ]

    def __str__(self) -> str:
        return f"retrain rule of {self.project}"


class Chain(PublicIdModel):
    """A snapshot and the runs that read it, each started when the one before has succeeded."""

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="chains")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="chains")
    # The text that its runs mix in, where their configs say so.
    corpus = models.ForeignKey(Snapshot, on_delete=models.PROTECT, null=True, related_name="+")
    kinds = ArrayField(models.CharField(max_length=16, choices=Run.Kind))  # of its runs, in order
    # Kind of run → fields of the engine's config that differ from its defaults.
    configs = models.JSONField(default=dict)
    status = models.CharField(max_length=16, choices=Status, default=Status.RUNNING)
    reason = models.TextField(blank=True)  # why it stopped before its end
    rule = models.ForeignKey(RetrainRule, on_delete=models.SET_NULL, null=True, related_name="chains")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule"], condition=Q(status="running"), name="chain_one_at_a_time_by_rule"
            ),
            models.CheckConstraint(
                condition=Q(status="running") | Q(finished_at__isnull=False), name="chain_ended_has_an_end"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["failed", "cancelled"]) | ~Q(reason=""),
                name="chain_stopped_says_why",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="chain_newest_first"),
            models.Index(fields=["status"], condition=Q(status="running"), name="chain_running"),
        ]

    def __str__(self) -> str:
        return f"chain {self.pk}"

    @property
    def is_over(self) -> bool:
        return self.status != self.Status.RUNNING


class ChainStatusChange(StatusChange):
    subject = models.ForeignKey(Chain, on_delete=models.CASCADE, related_name="status_changes")
