"""What is: snapshots, runs, models and what they made."""

from training.models.chains import Chain, ChainStatusChange, RetrainRule
from training.models.models import ModelVersion, Promotion
from training.models.runs import Run, RunAttempt, RunInput, RunStatusChange
from training.models.samples import Sample
from training.models.series import Metric, SampledText
from training.models.snapshots import Snapshot, SnapshotMember, SnapshotStatusChange

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
    "RunStatusChange",
    "Sample",
    "SampledText",
    "Snapshot",
    "SnapshotMember",
    "SnapshotStatusChange",
]
