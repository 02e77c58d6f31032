"""Celery's doorbells: each claims its row, or returns."""

from celery import shared_task

from training import actions, launcher


# Early ack and no time limit: a run may take days, and the row with its heartbeat is what gives delivery.
@shared_task(name="training.execute_run", acks_late=False)
def execute_run(run_id: int) -> None:
    """Work on a queued run."""
    launcher.execute(run_id)
    actions.continue_chain_after(run_id=run_id)


@shared_task(name="training.build_snapshot", acks_late=True, reject_on_worker_lost=True, time_limit=1800)
def build_snapshot(snapshot_id: int) -> None:
    """Write a snapshot's files."""
    actions.build_snapshot(snapshot_id=snapshot_id)
    actions.build_corpus(snapshot_id=snapshot_id)
    actions.continue_chain_after(snapshot_id=snapshot_id)


@shared_task(name="training.sweep", acks_late=True, reject_on_worker_lost=True, time_limit=300)
def sweep() -> None:
    """Requeue runs whose worker is gone; ring again for what waits."""
    actions.sweep_runs()
    actions.sweep_snapshots()


@shared_task(name="training.check_rules", acks_late=True, reject_on_worker_lost=True, time_limit=300)
def check_rules() -> None:
    """Go on with chains, then start what retrain rules have become due for."""
    actions.continue_chains()
    actions.check_rules()
