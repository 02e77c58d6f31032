"""The life of an attempt: claimed, alive, ended. An attempt that was superseded may write nothing.

The attempt's number is the fencing token; its heartbeat, on the database's clock, is the lease.
"""

from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext as _

from labeling.errors import Conflict
from labeling.models import Project
from training import transitions
from training.actions.doorbell import ring_run
from training.models import ModelVersion, Run, RunAttempt

# A run that takes its process down this often is not tried again. A worker's own shutdown does not count.
MOST_CRASHES = 5

PRODUCES: dict[str, ModelVersion.Kind] = {
    Run.Kind.PRETRAIN: ModelVersion.Kind.BASE,
    Run.Kind.SFT: ModelVersion.Kind.SFT,
    Run.Kind.REWARD_MODEL: ModelVersion.Kind.REWARD_MODEL,
    Run.Kind.PPO: ModelVersion.Kind.POLICY,
}


class Superseded(Conflict):
    """The attempt is not the run's current one any more; whoever works for it has to stop."""

    def __init__(self) -> None:
        super().__init__("superseded", _("Another attempt has taken over this run."))


@transaction.atomic
def claim_run(*, run_id: int, node: str) -> Run | None:
    """Take a queued run for this worker; its attempt number is the fencing token.

    None: somebody else has it, or it is over.
    """
    run = Run.objects.filter(pk=run_id, status=Run.Status.QUEUED).first()
    if run is None:
        return None
    claimed = transitions.change_run(
        run,
        Run.Status.RUNNING,
        actor=None,
        attempt=run.attempt + 1,
        started_at=Coalesce("started_at", Now()),
        message="",
    )
    if not claimed:
        return None
    RunAttempt.objects.create(run=run, number=run.attempt, node=node)
    return run


def renew_heartbeat(*, run_id: int, attempt: int) -> bool:
    """Say that the attempt is alive; returns whether the run is to be cancelled. Raises Superseded."""
    alive = RunAttempt.objects.filter(
        run=run_id, number=attempt, finished_at=None, run__attempt=attempt, run__status=Run.Status.RUNNING
    ).update(heartbeat_at=Now())
    if not alive:
        raise Superseded
    return Run.objects.filter(pk=run_id, cancel_requested_at__isnull=False).exists()


def record_process(*, run_id: int, attempt: int, pid: int) -> None:
    RunAttempt.objects.filter(run=run_id, number=attempt).update(pid=pid)


def locked_run(run_id: int, attempt: int) -> Run:
    """The run, locked for this attempt's writes. Raises Superseded."""
    run = (
        Run.objects.select_for_update(no_key=True)
        .filter(pk=run_id, attempt=attempt, status=Run.Status.RUNNING)
        .first()
    )
    if run is None:
        raise Superseded
    return run


@transaction.atomic
def finish_run(*, run_id: int, attempt: int, result: dict[str, Any]) -> ModelVersion | None:
    """The attempt did it: keep the result and enter its model, a candidate, in the registry.

    A result that names a model directory which is not there fails the run.
    """
    run = locked_run(run_id, attempt)
    directory = run.directory / str(result.get("model") or "model")
    produces = PRODUCES.get(run.kind)
    if produces and not (directory / "config.json").is_file():
        _end(
            run,
            Run.Status.FAILED,
            RunAttempt.Outcome.FAILED,
            0,
            error=_("The run left no model at %s.") % directory,
        )
        return None
    _end(run, Run.Status.SUCCEEDED, RunAttempt.Outcome.SUCCEEDED, 0, result=result, error="")
    return _register(run, produces, directory, result) if produces else None


@transaction.atomic
def fail_run(*, run_id: int, attempt: int, exit_code: int | None, error: str) -> None:
    """The attempt found something that trying again would not change."""
    run = locked_run(run_id, attempt)
    _end(run, Run.Status.FAILED, RunAttempt.Outcome.FAILED, exit_code, error=error)


@transaction.atomic
def end_cancelled_run(*, run_id: int, attempt: int, exit_code: int | None) -> None:
    """The attempt has stopped because somebody cancelled the run."""
    run = locked_run(run_id, attempt)
    _end(run, Run.Status.CANCELLED, RunAttempt.Outcome.CANCELLED, exit_code)


@transaction.atomic
def requeue_run(
    *, run_id: int, attempt: int, outcome: RunAttempt.Outcome, exit_code: int | None = None
) -> Run:
    """Put a run back whose process or worker is gone; the next attempt goes on from its newest checkpoint.

    A run that is to be cancelled ends here. One that was killed or lost MOST_CRASHES times since somebody
    last asked for it fails.
    """
    run = locked_run(run_id, attempt)
    if run.cancel_requested_at is not None:
        _end(run, Run.Status.CANCELLED, RunAttempt.Outcome.CANCELLED, exit_code)
        return run
    _close_attempt(run, outcome, exit_code)
    crashes = _crashes(run)
    if crashes >= MOST_CRASHES:
        error = _(
            "The run was killed %s times, most likely for want of memory. See its log; "
            "fewer rows at once or a smaller batch need less."
        )
        transitions.change_run(
            run, Run.Status.FAILED, actor=None, finished_at=Now(), error=error % crashes, message=""
        )
        return run
    transitions.change_run(run, Run.Status.QUEUED, actor=None, message="")
    ring_run(run)
    return run


def _crashes(run: Run) -> int:
    attempts = run.attempts.filter(outcome__in=[RunAttempt.Outcome.CRASHED, RunAttempt.Outcome.LOST])
    retried = run.status_changes.filter(
        from_status__in=[Run.Status.FAILED, Run.Status.CANCELLED], to_status=Run.Status.QUEUED
    ).last()
    return (attempts.filter(started_at__gt=retried.changed_at) if retried else attempts).count()


def _end(run: Run, to: Run.Status, outcome: RunAttempt.Outcome, exit_code: int | None, **fields: Any) -> None:
    _close_attempt(run, outcome, exit_code)
    transitions.change_run(run, to, actor=None, finished_at=Now(), message="", **fields)


def _close_attempt(run: Run, outcome: RunAttempt.Outcome, exit_code: int | None) -> None:
    run.attempts.filter(number=run.attempt).update(finished_at=Now(), outcome=outcome, exit_code=exit_code)


def _register(run: Run, kind: ModelVersion.Kind, directory: Path, result: dict[str, Any]) -> ModelVersion:
    return ModelVersion.objects.create(
        project=run.project,
        kind=kind,
        number=next_number(run.project, kind),
        run=run,
        path=str(Path("runs") / str(run.pk) / directory.name),
        metrics=result.get("metrics", {}),
    )


def next_number(project: Project, kind: ModelVersion.Kind) -> int:
    """The next version number of a kind in a project; policies begin at v0, which no run made."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    newest = ModelVersion.objects.filter(project=project, kind=kind).aggregate(n=Max("number"))["n"]
    if newest is not None:
        return int(newest) + 1
    return 0 if kind == ModelVersion.Kind.POLICY else 1
