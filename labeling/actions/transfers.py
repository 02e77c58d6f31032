"""The life of an import, an export or an opening of tasks: claimed, alive, ended.

An attempt that was superseded may write nothing: its number is the fencing token. Its heartbeat, on the
database's clock, is the lease. A transfer whose worker died starts over.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.actions.doorbell import is_silent, ring
from labeling.errors import Conflict
from labeling.models import Transfer, User

HEARTBEAT_EVERY = 1.0  # seconds; also how soon a cancellation is noticed
HEARTBEAT_LOST_AFTER = timedelta(seconds=60)
MOST_ATTEMPTS = 5
MOST_RINGS = 10  # the oldest are enough to wake idle workers

TASKS = {
    Transfer.Direction.EXPORT: "labeling.run_export",
    Transfer.Direction.IMPORT: "labeling.run_import",
    Transfer.Direction.TASKS: "labeling.run_opening",
}


class Superseded(Conflict):
    """The attempt is not the transfer's current one any more; whoever works for it has to stop."""

    def __init__(self) -> None:
        super().__init__("superseded", _("Another worker has taken over this transfer."))


class Cancelled(Exception):
    """Somebody asked for this transfer to be stopped."""


def ring_transfer(transfer: Transfer) -> None:
    """Once committed, tell a worker that this transfer waits."""
    ring(TASKS[Transfer.Direction(transfer.direction)], transfer.pk)


@transaction.atomic
def claim_transfer(*, transfer_id: int, direction: Transfer.Direction) -> Transfer | None:
    """Take a queued transfer for this worker; None when somebody else has it, or it is over."""
    transfer = (
        Transfer.objects.select_related("project", "created_by")
        .filter(pk=transfer_id, direction=direction, status=Transfer.Status.QUEUED)
        .first()
    )
    if transfer is None:
        return None
    claimed = transitions.change_transfer(
        transfer,
        Transfer.Status.RUNNING,
        actor=None,
        attempt=transfer.attempt + 1,
        started_at=Now(),
        heartbeat_at=Now(),
        progress_done=0,
        progress_total=None,
    )
    return transfer if claimed else None


def renew_transfer(*, transfer_id: int, attempt: int, **progress: int | None) -> bool:
    """Say that the attempt is alive and how far it is; returns whether it is to be cancelled.

    progress: any of progress_done, progress_total. Raises Superseded.
    """
    mine = Transfer.objects.filter(pk=transfer_id, attempt=attempt, status=Transfer.Status.RUNNING)
    if not mine.update(heartbeat_at=Now(), **progress):
        raise Superseded
    return mine.filter(cancel_requested_at__isnull=False).exists()


def held(transfer: Transfer) -> Transfer:
    """Its row, locked for one step of this attempt's work. Raises Superseded and Cancelled."""
    row = (
        Transfer.objects.select_for_update(of=("self",))
        .select_related("project")
        .filter(pk=transfer.pk, attempt=transfer.attempt, status=Transfer.Status.RUNNING)
        .first()
    )
    if row is None:
        raise Superseded
    if row.cancel_requested_at is not None:
        raise Cancelled
    return row


@transaction.atomic
def end_transfer(
    *, transfer: Transfer, to: Transfer.Status, actor: User | None = None, **fields: Any
) -> None:
    """The attempt is through. Raises Superseded when the row has moved on meanwhile."""
    if not transitions.change_transfer(transfer, to, actor=actor, finished_at=Now(), **fields):
        raise Superseded


@transaction.atomic
def cancel_transfer(*, transfer: Transfer, actor: User | None) -> Transfer:
    """Stop it: at once while it waits, soon while a worker is at it. Refuses one that is over."""
    transfer = Transfer.objects.select_for_update().get(pk=transfer.pk)
    if transfer.is_over:
        raise Conflict("transfer_is_over", _("It is over already; there is nothing to cancel."))
    if transfer.status == Transfer.Status.QUEUED:
        end_transfer(transfer=transfer, to=Transfer.Status.CANCELLED, actor=actor, cancel_requested_at=Now())
    elif transfer.cancel_requested_at is None:
        Transfer.objects.filter(pk=transfer.pk).update(cancel_requested_at=Now())
        transfer.refresh_from_db()
    return transfer


def sweep_transfers() -> int:
    """Put back transfers whose worker is gone and ring for those that wait; how many were put back."""
    lost = Transfer.objects.filter(
        status=Transfer.Status.RUNNING, heartbeat_at__lt=Now() - HEARTBEAT_LOST_AFTER
    )
    put_back = sum(_put_back(transfer) for transfer in lost)
    if not is_silent():
        return put_back
    for transfer in Transfer.objects.filter(status=Transfer.Status.QUEUED).order_by("pk")[:MOST_RINGS]:
        ring_transfer(transfer)
    return put_back


@transaction.atomic
def _put_back(transfer: Transfer) -> bool:
    if transfer.cancel_requested_at is not None:
        return transitions.change_transfer(transfer, Transfer.Status.CANCELLED, actor=None, finished_at=Now())
    if transfer.attempt >= MOST_ATTEMPTS:
        error = _("The worker was lost %s times, most likely for want of memory or disk. See its log.")
        return transitions.change_transfer(
            transfer,
            Transfer.Status.FAILED,
            actor=None,
            finished_at=Now(),
            error=error % transfer.attempt,
        )
    if not transitions.change_transfer(transfer, Transfer.Status.QUEUED, actor=None):
        return False
    ring_transfer(transfer)
    return True


class Pulse:
    """What the worker tells of its progress, and what it is told in return."""

    def __init__(self, transfer: Transfer) -> None:
        self.transfer = transfer
        self.done = 0
        self.total: int | None = None
        self._stop = threading.Event()
        self._refusal: BaseException | None = None

    def check(self) -> None:
        """To be called between rows. Raises Cancelled or Superseded."""
        if self._refusal is not None:
            raise self._refusal

    def beat(self) -> None:
        is_to_stop = renew_transfer(
            transfer_id=self.transfer.pk,
            attempt=self.transfer.attempt,
            progress_done=self.done,
            progress_total=self.total,
        )
        if is_to_stop:
            raise Cancelled

    def _keep_beating(self) -> None:
        try:
            while not self._stop.wait(HEARTBEAT_EVERY):
                self.beat()
        except Exception as error:  # whatever it is, it ends the work in the other thread
            self._refusal = error
        finally:
            connection.close()


@contextmanager
def beating(transfer: Transfer) -> Iterator[Pulse]:
    """While inside, the heartbeat is renewed, and progress written, by a thread with a connection of its own:

    the work itself may sit in one long transaction, out of which nobody would see either.
    """
    pulse = Pulse(transfer)
    thread = threading.Thread(target=pulse._keep_beating, name=f"pulse-{transfer.pk}", daemon=True)
    thread.start()
    try:
        yield pulse
    finally:
        pulse._stop.set()
        thread.join()
