"""Runs through the real broker, a real worker and the real engine: done, killed, stopped, cancelled."""

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from labeling.models import Task
from tests.making import make_prompt
from tests.training.making import TINY_PPO, make_sample_run, make_snapshot
from training import actions
from training.models import Metric, Run, RunAttempt, Sample

pytestmark = pytest.mark.slow


def wait_until(reached: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.2)


def wait_for_status(run: Run, *statuses: str, seconds: float = 60) -> Run:
    def reached() -> bool:
        run.refresh_from_db()
        return run.status in statuses

    try:
        wait_until(reached, seconds=seconds)
    except AssertionError:
        log = run.directory / "log.txt"
        pytest.fail(f"{run.status}: {run.error}\n{log.read_text() if log.exists() else ''}")
    return run


@pytest.fixture
def ppo_run(project, policy, reward_model):
    """A queued PPO run, long enough to be disturbed."""

    def start(steps: int) -> Run:
        for _ in range(4):
            make_prompt(project)
        return actions.start_run(
            project=project,
            kind="ppo",
            inputs={"policy": policy, "reward_model": reward_model},
            snapshot=make_snapshot(project, contents=["prompts"]),
            config=TINY_PPO | {"steps": steps},
            actor=None,
        )

    return start


def wait_for_steps(run: Run, steps: int) -> RunAttempt:
    """Until the current attempt has reported this many steps; the attempt."""
    wait_until(lambda: Metric.objects.filter(run=run, step__gte=steps).exists())
    run.refresh_from_db()
    return run.attempts.get(number=run.attempt)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_snapshot_is_built_by_the_default_worker(workers, project):
    make_prompt(project)
    workers.start("default")

    snapshot = actions.take_snapshot(project=project, user=None, contents=["prompts"])

    def is_built() -> bool:
        snapshot.refresh_from_db()
        return snapshot.status != "building"

    wait_until(is_built)
    assert (snapshot.status, snapshot.counts) == ("ready", {"prompts": {"train": 1}})


def test_a_sample_run_turns_every_prompt_into_a_ranking_task(workers, policy):
    for _ in range(3):
        make_prompt(policy.project)
    workers.start("gpu")

    run = wait_for_status(make_sample_run(policy), "succeeded", "failed")

    assert (run.status, run.error) == ("succeeded", "")
    assert Sample.objects.filter(run=run).count() == 12
    assert Task.objects.filter(kind="rank", round=run.round).count() == 3
    assert run.result["kind"] == "sample"
    assert (run.progress_done, run.progress_total) == (12, 12)
    assert [a.outcome for a in run.attempts.all()] == ["succeeded"]


def test_a_killed_ppo_process_is_resumed_from_its_checkpoint(workers, ppo_run):
    workers.start("gpu")
    run = ppo_run(steps=10)
    first = wait_for_steps(run, 2)

    os.kill(first.pid, signal.SIGKILL)
    run = wait_for_status(run, "succeeded", "failed")

    assert (run.status, run.error) == ("succeeded", "")
    assert [(a.outcome, a.exit_code) for a in run.attempts.all()] == [("crashed", -9), ("succeeded", 0)]
    resumed_at = Metric.objects.filter(run=run, attempt=2, name="train/score").earliest("step").step
    assert resumed_at > 1
    steps = set(Metric.objects.filter(run=run, name="train/score").values_list("step", flat=True))
    assert steps == set(range(1, 11))
    assert run.model_version.directory.joinpath("config.json").is_file()


def test_a_killed_worker_takes_the_engine_along_and_the_sweep_has_the_run_resumed(workers, ppo_run):
    workers.start("gpu")
    run = ppo_run(steps=10)
    first = wait_for_steps(run, 2)

    workers.kill("gpu")
    wait_until(lambda: not is_running(first.pid), seconds=5)
    assert actions.sweep_runs() == 0  # the lease holds while the heartbeat is fresh
    RunAttempt.objects.filter(pk=first.pk).update(heartbeat_at=Now() - timedelta(seconds=61))
    assert actions.sweep_runs() == 1
    workers.start("gpu")
    run = wait_for_status(run, "succeeded", "failed")

    assert (run.status, run.error) == ("succeeded", "")
    assert [a.outcome for a in run.attempts.all()] == ["lost", "succeeded"]
    assert Metric.objects.filter(run=run, attempt=2, name="train/score").earliest("step").step > 1


def test_a_worker_that_is_stopped_puts_its_run_back_and_the_next_one_goes_on(workers, ppo_run):
    worker = workers.start("gpu")
    run = ppo_run(steps=10_000)
    first = wait_for_steps(run, 2)
    started = time.monotonic()

    workers.stop("gpu")
    took = time.monotonic() - started

    run.refresh_from_db()
    first.refresh_from_db()
    assert (worker.returncode, run.status, first.outcome) == (0, "queued", "stopped")
    assert took < 25
    assert not is_running(first.pid)
    workers.start("gpu")
    wait_until(lambda: Metric.objects.filter(run=run, attempt=2, name="train/score").exists())
    assert Metric.objects.filter(run=run, attempt=2, name="train/score").earliest("step").step > 1


def test_a_run_cancelled_midway_stops_and_the_worker_takes_the_next(workers, policy, ppo_run):
    workers.start("gpu")
    run = ppo_run(steps=10_000)
    first = wait_for_steps(run, 2)
    after = make_sample_run(policy)

    actions.cancel_run(run=run, actor=None)
    wait_for_status(run, "cancelled", seconds=25)

    assert not is_running(first.pid)
    assert run.error == ""
    wait_for_status(after, "succeeded")
