"""What a run reports while it works: numbers by step, and texts."""

from django.db import models

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
