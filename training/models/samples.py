"""Where a completion came from, and what reward models say of it. Labeling never sees this: people judge
texts, not models."""

from django.db import models
from django.db.models import Q

from labeling.models import Completion, Prompt
from training.models.models import ModelVersion
from training.models.runs import Run


class Sample(models.Model):
    """Which model wrote a completion. Of an external one there is no run, and little else is known."""

    completion = models.OneToOneField(
        Completion, on_delete=models.CASCADE, primary_key=True, related_name="sample"
    )
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="samples")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="samples")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, null=True, related_name="samples")
    # 0…K−1 among the completions of this prompt in this run
    index = models.PositiveIntegerField(null=True)
    seed = models.BigIntegerField(null=True)
    temperature = models.FloatField(null=True)
    finish_reason = models.CharField(max_length=16, blank=True)  # stop: ended by itself; length: was cut
    token_count = models.PositiveIntegerField(null=True)
    logprob = models.FloatField(null=True)  # nats, of the whole completion

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "prompt", "index"], name="sample_unique"),
            models.CheckConstraint(
                condition=Q(run__isnull=True)
                | Q(
                    index__isnull=False,
                    seed__isnull=False,
                    temperature__isnull=False,
                    token_count__isnull=False,
                ),
                name="sample_of_a_run_is_described",
            ),
        ]


class Score(models.Model):
    """What a reward model says of a completion; of an ensemble, their mean, and how far apart they are."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="scores")
    # Of an ensemble the first member; the run's inputs are all of them.
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="scores")
    completion = models.ForeignKey(Completion, on_delete=models.CASCADE, related_name="scores")
    value = models.FloatField()
    spread = models.FloatField(null=True)  # standard deviation over an ensemble

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "completion"], name="score_once_a_run")]
        indexes = [
            models.Index(fields=["run", "value"], name="score_by_value"),
            models.Index(fields=["run", "spread"], name="score_by_spread"),
        ]

    def __str__(self) -> str:
        return f"{self.value:.3g}"
