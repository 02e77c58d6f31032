"""What nobody asked for but must happen: bells that were lost, workers that died."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from training.actions.attempts import Superseded, requeue_run
from training.actions.doorbell import (
    DEFAULT_QUEUE,
    GPU_QUEUE,
    SAMPLING_QUEUE,
    is_silent,
    queue_of,
    ring_run,
    ring_snapshot,
)
from training.models import Run, RunAttempt, Snapshot

HEARTBEAT_LOST_AFTER = timedelta(seconds=60)
MOST_RINGS = 10  # the oldest are enough to wake idle workers


def sweep_runs() -> int:
    """Requeue runs whose worker is gone and ring for those that wait; returns how many were requeued."""
    lost = RunAttempt.objects.filter(
        run__status=Run.Status.RUNNING,
        number=F("run__attempt"),
        heartbeat_at__lt=Now() - HEARTBEAT_LOST_AFTER,
    )
    requeued = 0
    for run_id, number in lost.values_list("run_id", "number"):
        try:
            requeue_run(run_id=run_id, attempt=number, outcome=RunAttempt.Outcome.LOST)
        except Superseded:  # it ended while we looked
            continue
        requeued += 1
    silent = {queue for queue in (GPU_QUEUE, SAMPLING_QUEUE) if is_silent(queue)}
    waiting = Run.objects.filter(status=Run.Status.QUEUED).order_by("pk")
    for run in [run for run in waiting if queue_of(run) in silent][:MOST_RINGS]:
        ring_run(run)
    return requeued


@transaction.atomic
def sweep_snapshots() -> None:
    """Ring for snapshots that nobody has built for a while; the builder's lock keeps a second one out."""
    if not is_silent(DEFAULT_QUEUE):
        return
    waiting = Snapshot.objects.filter(
        status=Snapshot.Status.BUILDING, created_at__lt=Now() - HEARTBEAT_LOST_AFTER
    )
    for snapshot in waiting.order_by("pk")[:MOST_RINGS]:
        ring_snapshot(snapshot)
