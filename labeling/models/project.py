"""A project and the guidelines its people work by."""

import secrets

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from labeling.models.base import PublicIdModel
from labeling.models.people import User


def _random_key() -> bytes:
    return secrets.token_bytes(32)


def _english() -> list[str]:
    return ["en"]


class Project(PublicIdModel):
    class Criteria(models.TextChoices):
        """What weighs most in a judgment (InstructGPT, 3.4 and B.2)."""

        TRAINING = "training", _("for training: helpful first")
        EVALUATION = "evaluation", _("for evaluation: truthful and harmless first")

    class PaidBy(models.TextChoices):
        """What a rate is for."""

        HOUR = "hour", _("by the hour")
        TASK = "task", _("by the accepted task")

    name = models.CharField(_("name"), max_length=120, unique=True)
    completions_per_prompt = models.PositiveSmallIntegerField(
        _("outputs per prompt"), default=4, validators=[MinValueValidator(2), MaxValueValidator(9)]
    )
    languages = ArrayField(models.CharField(max_length=16), default=_english)
    # Overlap: this share of the ranking tasks is judged by this many people, the rest by one.
    overlap_share = models.FloatField(default=0.0)
    overlap_people = models.PositiveSmallIntegerField(default=2)
    criteria = models.CharField(max_length=16, choices=Criteria, default=Criteria.TRAINING)
    time_zone = models.CharField(max_length=64, default="UTC")
    # So many submissions a person may make in a day of this time zone; null: as many as they like.
    daily_cap = models.PositiveSmallIntegerField(null=True, blank=True)
    # What an hour of work costs unless somebody is paid otherwise; null: nothing is said of money.
    hourly_rate = models.DecimalField(
        max_digits=8, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    currency = models.CharField(
        max_length=3, default="USD", db_default="USD", validators=[RegexValidator(r"^[A-Z]{3}$")]
    )
    # So many tasks a person may have open here at a time, reserved ones included.
    open_tasks = models.PositiveSmallIntegerField(default=3, db_default=3)
    # Language → number, added to the priority of each of its tasks as they are handed out.
    language_priorities = models.JSONField(default=dict, blank=True, db_default={})
    # This share of the rankings handed to a person has a known answer, as long as there are such tasks.
    gold_share = models.FloatField(default=0.1, db_default=0.1)
    # Whether people qualify first: by so many tasks, with so much agreement with their answers.
    requires_qualification = models.BooleanField(default=False, db_default=False)
    qualification_tasks = models.PositiveSmallIntegerField(default=5, db_default=5)
    qualification_share = models.FloatField(default=0.75, db_default=0.75)
    paid_by = models.CharField(max_length=8, choices=PaidBy, default=PaidBy.HOUR, db_default=PaidBy.HOUR)
    # Pseudonyms in exports are keyed hashes under this; random, so that no other secret can undo them.
    pseudonym_key = models.BinaryField(default=_random_key, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True)
    # Any of these in an output tells which model wrote it; labeling/model_names.py knows the well-known ones.
    model_names = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    pause_reason = models.TextField(blank=True)  # shown to annotators while it is paused
    # tokenizer.json of its model, below ARTIFACTS_DIR or absolute; empty: tokens are not counted.
    tokenizer_path = models.CharField(max_length=520, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(completions_per_prompt__range=(2, 9)),
                name="project_completions_per_prompt",
            ),
            models.CheckConstraint(
                condition=models.Q(overlap_share__range=(0.0, 1.0)), name="project_overlap_share"
            ),
            models.CheckConstraint(condition=models.Q(overlap_people__gte=1), name="project_overlap_people"),
            models.CheckConstraint(
                condition=models.Q(daily_cap__isnull=True) | models.Q(daily_cap__gte=1),
                name="project_daily_cap",
            ),
            models.CheckConstraint(
                condition=models.Q(hourly_rate__isnull=True) | models.Q(hourly_rate__gte=0),
                name="project_hourly_rate",
            ),
            models.CheckConstraint(
                condition=models.Q(currency__regex=r"^[A-Z]{3}$"), name="project_currency_is_a_code"
            ),
            models.CheckConstraint(condition=models.Q(open_tasks__range=(1, 100)), name="project_open_tasks"),
            models.CheckConstraint(
                condition=models.Q(gold_share__range=(0.0, 1.0), qualification_share__range=(0.0, 1.0)),
                name="project_shares_of_known_answers",
            ),
            models.CheckConstraint(
                condition=models.Q(qualification_tasks__gte=1), name="project_qualification_tasks"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GuidelineVersion(PublicIdModel):
    """One Markdown document in one language. A change is a new number; judgments keep theirs."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="guideline_versions")
    language = models.CharField(max_length=16)
    number = models.PositiveIntegerField()
    body = models.TextField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "language", "number"], name="guideline_version_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} · {self.language} · {self.number}"
