"""Carrying out a change of many: for a moment by the request that confirmed it, then by a worker.

The row is locked for each batch and says where the next one begins: whoever goes on, goes on there.
"""

import time
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.bulk import change_named, selected, summary
from labeling.actions.doorbell import is_silent, ring
from labeling.actions.many import lock_prompts_of
from labeling.actions.transfers import HEARTBEAT_LOST_AFTER, MOST_ATTEMPTS, MOST_RINGS
from labeling.errors import Conflict, DomainError
from labeling.models import BulkChange, User

BATCH = 500
SECONDS = 1.0  # that the request which confirms it works on it: most changes are over by then
TASK = "labeling.run_bulk_change"


def continue_bulk_change(*, change: BulkChange, seconds: float | None = None) -> BulkChange:
    """Go on for about so long (None: SECONDS), a transaction a batch; a worker is told of what is left."""
    until = time.monotonic() + (SECONDS if seconds is None else seconds)
    change = _go_on(change.pk)
    while not change.is_over and time.monotonic() < until:
        change = _go_on(change.pk)
    if not change.is_over:
        ring(TASK, change.pk)
    return change


def run_bulk_change(*, change_id: int) -> None:
    """A worker's part: on to the end. Two who are at it take turns, so no row is changed twice."""
    unfinished = BulkChange.objects.filter(pk=change_id, finished_at=None)
    if not unfinished.update(attempt=F("attempt") + 1, heartbeat_at=Now()):
        return
    while not _go_on(change_id).is_over:
        pass


@transaction.atomic
def stop_bulk_change(*, change: BulkChange, actor: User) -> BulkChange:
    """End it between two batches; what was changed by then stays so. Refuses one that is over (Conflict)."""
    change = _locked(change.pk)
    if change.is_over:
        raise Conflict("change_is_over", _("It is over already; there is nothing to stop."))
    _end(change, "bulk_stopped", actor=actor, stopped_by=actor)
    return change


def sweep_bulk_changes() -> None:
    """Ring for changes that nobody is at; end those at which worker after worker was lost."""
    last_seen = Coalesce("heartbeat_at", "created_at")
    left = BulkChange.objects.filter(finished_at=None).alias(last_seen=last_seen)
    left = left.filter(last_seen__lt=Now() - HEARTBEAT_LOST_AFTER).order_by("pk")
    for pk in left.filter(attempt__gte=MOST_ATTEMPTS).values_list("pk", flat=True):
        error = _("The worker was lost %s times, most likely for want of memory or disk. See its log.")
        _fail(pk, error % MOST_ATTEMPTS)
    if is_silent():
        for pk in left.filter(attempt__lt=MOST_ATTEMPTS).values_list("pk", flat=True)[:MOST_RINGS]:
            ring(TASK, pk)


def _go_on(pk: int) -> BulkChange:
    try:
        return _next_batch(pk)
    except DomainError as error:  # nobody waits for an answer here: it is over, and its page says why
        return _fail(pk, error.message)


@transaction.atomic
def _next_batch(pk: int) -> BulkChange:
    made = _locked(pk)
    if made.is_over:
        return made
    change = change_named(made.action)
    chosen = selected(made.project, change, made.selection).filter(pk__lt=made.below)
    keys = list(chosen.order_by("-pk").values_list("pk", flat=True)[:BATCH])
    if change.marks_prompts_of_tasks:
        lock_prompts_of(keys)
    rows = chosen.model.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
    made.changed += change.apply(list(rows), made.actor, made.options) if keys else 0
    made.done += len(keys)
    made.below = keys[-1] if keys else made.below
    made.attempt = 0
    made.save(update_fields=["changed", "done", "below", "attempt"])
    BulkChange.objects.filter(pk=pk).update(heartbeat_at=Now())
    if len(keys) < BATCH:
        _end(made, "bulk_finished", actor=made.actor)
    return made


@transaction.atomic
def _fail(pk: int, error: str) -> BulkChange:
    made = _locked(pk)
    if not made.is_over:
        _end(made, "bulk_failed", actor=None, error=error)
    return made


def _locked(pk: int) -> BulkChange:
    return BulkChange.objects.select_for_update(of=("self",)).select_related("project", "actor").get(pk=pk)


def _end(made: BulkChange, action: str, *, actor: User | None, **fields: Any) -> None:
    BulkChange.objects.filter(pk=made.pk).update(finished_at=Now(), **fields)
    made.refresh_from_db(fields=["finished_at", *fields])
    audit.record(action, actor=actor, project=made.project, subject=made, data=summary(made))
