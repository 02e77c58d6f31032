"""Telling Celery that there is work. A lost message is only a delay: the sweep rings again."""

from labeling.actions.doorbell import DEFAULT_QUEUE, is_silent, ring
from training.models import Run, Snapshot

__all__ = [
    "DEFAULT_QUEUE",
    "GPU_QUEUE",
    "SAMPLING_QUEUE",
    "is_silent",
    "queue_of",
    "ring_run",
    "ring_snapshot",
]

GPU_QUEUE = "gpu"
# Heard by a light worker of its own: sampling waits behind no training.
SAMPLING_QUEUE = "sampling"


def ring_run(run: Run) -> None:
    """Once committed, tell a worker that this run waits."""
    ring("training.execute_run", run.pk, queue=queue_of(run))


def queue_of(run: Run) -> str:
    return SAMPLING_QUEUE if run.kind == Run.Kind.SAMPLE else GPU_QUEUE


def ring_snapshot(snapshot: Snapshot) -> None:
    ring("training.build_snapshot", snapshot.pk)
