"""Labeling's periodic work."""

from celery import shared_task

from labeling import actions
from labeling.actions import idempotency


@shared_task(name="labeling.expire_leases", acks_late=True, reject_on_worker_lost=True, time_limit=300)
def expire_leases() -> None:
    """Give back the seats of overdue leases and reservations."""
    actions.expire_leases()


@shared_task(name="labeling.widen_pilots", acks_late=True, reject_on_worker_lost=True, time_limit=300)
def widen_pilots() -> None:
    """A seat in the pilot for everybody who came in since it began."""
    actions.widen_pilots()


@shared_task(name="labeling.tell_of_tasks", acks_late=True, reject_on_worker_lost=True, time_limit=300)
def tell_of_tasks() -> None:
    """Write to whoever wants to know that there is something to do again."""
    actions.tell_of_tasks()


@shared_task(name="labeling.run_export", acks_late=True, reject_on_worker_lost=True, time_limit=3300)
def run_export(transfer_id: int) -> None:
    """Write an export's files."""
    actions.run_export(transfer_id=transfer_id)


@shared_task(name="labeling.run_import", acks_late=True, reject_on_worker_lost=True, time_limit=3300)
def run_import(transfer_id: int) -> None:
    """Read an import's file in."""
    actions.run_import(transfer_id=transfer_id)


@shared_task(name="labeling.run_opening", acks_late=True, reject_on_worker_lost=True, time_limit=3300)
def run_opening(transfer_id: int) -> None:
    """Open the tasks somebody asked for."""
    actions.run_opening(transfer_id=transfer_id)


@shared_task(name="labeling.run_bulk_change", acks_late=True, reject_on_worker_lost=True, time_limit=3300)
def run_bulk_change(change_id: int) -> None:
    """Carry out a change of many tasks or prompts."""
    actions.run_bulk_change(change_id=change_id)


@shared_task(name="labeling.sweep_transfers", acks_late=True, reject_on_worker_lost=True, time_limit=300)
def sweep_transfers() -> None:
    """Put back imports, exports and changes of many whose worker is gone; ring again for what waits."""
    actions.sweep_transfers()
    actions.sweep_bulk_changes()


@shared_task(name="labeling.forget_answers", acks_late=True, reject_on_worker_lost=True, time_limit=300)
def forget_answers() -> None:
    """Drop the answers to requests with an Idempotency-Key after a day."""
    idempotency.forget_old_answers()


@shared_task(name="labeling.fold_counts", acks_late=True, reject_on_worker_lost=True, time_limit=300)
def fold_counts() -> None:
    """Add up what has been counted since the last time."""
    actions.fold_counts()
