"""Labeling's periodic work."""

from celery import shared_task

from labeling import actions


@shared_task(name="labeling.expire_leases", acks_late=True, reject_on_worker_lost=True, time_limit=300)
def expire_leases() -> None:
    """Give back the seats of overdue leases."""
    actions.expire_leases()
