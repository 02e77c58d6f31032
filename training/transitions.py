"""The only writer of a status in training, and of its history.

A change is a conditional UPDATE from what the caller saw, so that of two who race one wins.
"""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from labeling.models import User
from training.models import Chain, ChainStatusChange, Run, RunStatusChange, Snapshot, SnapshotStatusChange


@transaction.atomic
def change_run(run: Run, to: Run.Status, *, actor: User | None, **fields: Any) -> bool:
    """Move a run on, with these fields; False, and nothing written, when it is not as the caller saw it."""
    seen = Run.objects.filter(pk=run.pk, status=run.status, attempt=run.attempt)
    if not seen.update(status=to, **fields):
        return False
    RunStatusChange.objects.create(subject=run, from_status=run.status, to_status=to, actor=actor)
    run.refresh_from_db()
    return True


def record_start(run: Run, *, actor: User | None) -> None:
    """The history of a run begins in the queue."""
    RunStatusChange.objects.create(subject=run, from_status="", to_status=run.status, actor=actor)


@transaction.atomic
def change_snapshot(snapshot: Snapshot, to: Snapshot.Status, **fields: Any) -> bool:
    """Move a snapshot on, with these fields; False when it is not as the caller saw it."""
    if not Snapshot.objects.filter(pk=snapshot.pk, status=snapshot.status).update(status=to, **fields):
        return False
    SnapshotStatusChange.objects.create(subject=snapshot, from_status=snapshot.status, to_status=to)
    snapshot.refresh_from_db()
    return True


@transaction.atomic
def end_chain(chain: Chain, to: Chain.Status, *, actor: User | None, reason: str = "") -> bool:
    """End a running chain; False when somebody else has."""
    running = Chain.objects.filter(pk=chain.pk, status=Chain.Status.RUNNING)
    if not running.update(status=to, reason=reason, finished_at=Now()):
        return False
    ChainStatusChange.objects.create(
        subject=chain, from_status=Chain.Status.RUNNING, to_status=to, actor=actor
    )
    chain.refresh_from_db()
    return True
