"""Telling Celery that there is work. A lost message is only a delay: the sweep rings again."""

from celery import current_app
from django.db import transaction

from training.models import Run, Snapshot

# A message that waited longer says nothing any more: the sweep has rung since.
RING_EXPIRES = 120


def ring_run(run: Run) -> None:
    """Once committed, tell a gpu worker that this run waits."""
    _on_commit("training.execute_run", run.pk, queue="gpu")


def ring_snapshot(snapshot: Snapshot) -> None:
    _on_commit("training.build_snapshot", snapshot.pk, queue="default")


def _on_commit(task: str, pk: int, *, queue: str) -> None:
    # robust: with the broker away the row is committed all the same, and the failure logged.
    transaction.on_commit(
        lambda: current_app.send_task(task, args=[pk], queue=queue, expires=RING_EXPIRES, retry=False),
        robust=True,
    )
