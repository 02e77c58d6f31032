"""What is: snapshots, runs, models and what they made."""

from training.models.chains import Chain, ChainStatusChange, RetrainRule
from training.models.models import ModelVersion, Promotion
from training.models.runs import Run, RunAttempt, RunInput, RunStatusChange
from training.models.samples import Sample, Score
from training.models.series import Metric, RunMessage, SampledText
from training.models.snapshots import Snapshot, SnapshotMember, SnapshotStatusChange
from training.models.trials import Trial, TrialAnswer

__all__ = [
    "Chain",
    "ChainStatusChange",
    "Metric",
    "ModelVersion",
    "Promotion",
    "RetrainRule",
    "Run",
    "RunAttempt",
    "RunInput",
    "RunMessage",
    "RunStatusChange",
    "Sample",
    "SampledText",
    "Score",
    "Snapshot",
    "SnapshotMember",
    "SnapshotStatusChange",
    "Trial",
    "TrialAnswer",
]
