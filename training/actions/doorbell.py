"""Telling Celery that there is work. A lost message is only a delay: the sweep rings again."""

from celery import current_app
from django.db import transaction
from kombu.exceptions import ChannelError

from training.models import Run, Snapshot

GPU_QUEUE = "gpu"
# Heard by a light worker of its own: sampling waits behind no training.
SAMPLING_QUEUE = "sampling"
DEFAULT_QUEUE = "default"


def ring_run(run: Run) -> None:
    """Once committed, tell a worker that this run waits."""
    _on_commit("training.execute_run", run.pk, queue=queue_of(run))


def queue_of(run: Run) -> str:
    return SAMPLING_QUEUE if run.kind == Run.Kind.SAMPLE else GPU_QUEUE


def ring_snapshot(snapshot: Snapshot) -> None:
    _on_commit("training.build_snapshot", snapshot.pk, queue=DEFAULT_QUEUE)


def is_silent(queue: str) -> bool:
    """Whether no message waits there: behind a long run rings would only pile up."""
    with current_app.connection_for_read() as connection:
        try:
            return bool(connection.default_channel.queue_declare(queue, passive=True).message_count == 0)
        except ChannelError:  # Redis has no empty lists: no messages, no queue
            return True


def _on_commit(task: str, pk: int, *, queue: str) -> None:
    # robust: with the broker away the row is committed all the same, and the failure logged.
    transaction.on_commit(
        lambda: current_app.send_task(task, args=[pk], queue=queue, retry=False), robust=True
    )
