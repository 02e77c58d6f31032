"""What a run reports while it works: numbers by step, texts, and sentences."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from training.models.runs import Run


class Metric(models.Model):
    """One number at one step. A resumed attempt may report a step again: the newer attempt's counts."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="metrics")
    attempt = models.PositiveIntegerField()
    step = models.PositiveIntegerField()
    name = models.CharField(max_length=64)
    value = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "name", "step", "attempt"], name="metric_unique"),
        ]


class SampledText(models.Model):
    """A text the model being trained produced at a step, for people to look at."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="sampled_texts")
    position = models.PositiveBigIntegerField()  # byte offset in events.jsonl: the same event enters once
    attempt = models.PositiveIntegerField()
    step = models.PositiveIntegerField()
    prompt = models.TextField()
    completion = models.TextField()
    score = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="sampled_text_unique")]


class RunMessage(models.Model):
    """A sentence the run said while it worked: information, a warning, or why it ended."""

    class Level(models.TextChoices):
        INFO = "info", _("information")
        WARNING = "warning", _("warning")
        ERROR = "error", _("error")

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="messages")
    position = models.PositiveBigIntegerField()  # as SampledText.position
    attempt = models.PositiveIntegerField()
    level = models.CharField(max_length=8, choices=Level)
    text = models.TextField()
    said_at = models.DateTimeField()  # by the engine's clock

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="run_message_unique")]
