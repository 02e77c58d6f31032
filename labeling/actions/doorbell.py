"""Telling Celery that there is work. A lost message is only a delay: a sweep rings again."""

from celery import current_app
from django.db import transaction
from kombu.exceptions import ChannelError

DEFAULT_QUEUE = "default"


def ring(task: str, pk: int, *, queue: str = DEFAULT_QUEUE) -> None:
    """Once committed, tell a worker of this queue that a row waits."""
    # robust: with the broker away the row is committed all the same, and the failure logged.
    transaction.on_commit(
        lambda: current_app.send_task(task, args=[pk], queue=queue, retry=False), robust=True
    )


def is_silent(queue: str = DEFAULT_QUEUE) -> bool:
    """Whether no message waits there: behind long work rings would only pile up."""
    with current_app.connection_for_read() as connection:
        try:
            return bool(connection.default_channel.queue_declare(queue, passive=True).message_count == 0)
        except ChannelError:  # Redis has no empty lists: no messages, no queue
            return True
