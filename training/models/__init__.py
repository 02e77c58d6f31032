"""What is: snapshots, runs, models and what they made."""

from training.models.models import ModelVersion, Promotion
from training.models.runs import Run, RunAttempt, RunInput, RunStatusChange
from training.models.samples import Sample
from training.models.series import Metric, SampledText
from training.models.snapshots import Snapshot, SnapshotMember, SnapshotStatusChange

__all__ = [
    "Metric",
    "ModelVersion",
    "Promotion",
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
