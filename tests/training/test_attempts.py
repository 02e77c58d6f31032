"""Claiming, heartbeats, fencing, and every way an attempt can end."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from tests.making import make_prompt
from tests.training.making import (
    make_claimed_run,
    make_model_directory,
    make_sample_run,
    make_snapshot,
    make_version,
)
from training import actions
from training.actions import Superseded
from training.models import ModelVersion, RunAttempt


@pytest.fixture
def model(project, tmp_path):
    return make_version(project, tmp_path / "policy")


@pytest.fixture
def run(model):
    """Claimed by its first attempt."""
    return make_claimed_run(model)


def requeue(run, outcome=RunAttempt.Outcome.CRASHED):
    return actions.requeue_run(run_id=run.pk, attempt=run.attempt, outcome=outcome)


def test_claiming_starts_an_attempt(model):
    run = actions.claim_run(run_id=make_sample_run(model).pk, node="node-7")

    assert (run.status, run.attempt) == ("running", 1)
    assert run.started_at is not None
    assert run.attempts.get().node == "node-7"


def test_a_claimed_run_is_not_claimed_again(run):
    assert actions.claim_run(run_id=run.pk, node="node-2") is None
    assert run.attempts.count() == 1


def test_claiming_a_run_that_does_not_exist_gives_nothing(db):
    assert actions.claim_run(run_id=1, node="node-1") is None


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_that_claim_at_once_one_gets_the_run(model):
    run = make_sample_run(model)
    barrier = Barrier(8)
    claims = []

    def claim():
        barrier.wait()
        claims.append(actions.claim_run(run_id=run.pk, node="node"))
        connection.close()

    threads = [Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [c.attempt for c in claims if c is not None] == [1]
    assert run.attempts.count() == 1


def test_a_heartbeat_is_by_the_clock_of_the_database(run):
    RunAttempt.objects.update(heartbeat_at=Now() - timedelta(hours=1))

    assert actions.renew_heartbeat(run_id=run.pk, attempt=1) is False

    assert RunAttempt.objects.filter(heartbeat_at__gt=Now() - timedelta(seconds=5)).exists()


def test_a_superseded_attempt_can_write_nothing(run):
    requeue(run)
    newer = actions.claim_run(run_id=run.pk, node="node-2")
    old = {"run_id": run.pk, "attempt": 1}
    writes = [
        lambda: actions.renew_heartbeat(**old),
        lambda: actions.record_events(
            **old, events=[(0, {"type": "metrics", "attempt": 1, "step": 1, "values": {"a": 1}})]
        ),
        lambda: actions.record_completions(**old, completions=[]),
        lambda: actions.finish_run(**old, result={}),
        lambda: actions.fail_run(**old, exit_code=1, error="no"),
        lambda: actions.end_cancelled_run(**old, exit_code=75),
        lambda: actions.requeue_run(**old, outcome=RunAttempt.Outcome.CRASHED),
    ]

    for write in writes:
        with pytest.raises(Superseded):
            write()

    newer.refresh_from_db()
    assert (newer.status, newer.attempt, newer.error) == ("running", 2, "")
    assert not newer.metrics.exists()


def test_a_run_that_was_put_back_can_be_claimed_with_a_new_number(run):
    assert requeue(run).status == "queued"

    again = actions.claim_run(run_id=run.pk, node="node-2")

    assert again.attempt == 2
    assert again.started_at == run.started_at
    assert [a.outcome for a in again.attempts.all()] == ["crashed", ""]


def test_a_run_that_is_to_be_cancelled_is_not_put_back(run):
    actions.cancel_run(run=run, actor=None)

    assert requeue(run).status == "cancelled"


def test_a_run_that_keeps_dying_fails_with_a_sentence(run):
    for _ in range(actions.MOST_CRASHES - 1):
        assert requeue(run).status == "queued"
        run = actions.claim_run(run_id=run.pk, node="node-1")

    failed = requeue(run)

    assert failed.status == "failed"
    assert "killed 5 times" in failed.error


def test_stops_of_the_worker_do_not_count_as_crashes(run):
    for _ in range(actions.MOST_CRASHES + 2):
        assert requeue(run, RunAttempt.Outcome.STOPPED).status == "queued"
        run = actions.claim_run(run_id=run.pk, node="node-1")

    assert run.status == "running"


def test_a_finished_sample_run_keeps_its_result_and_makes_no_model(run):
    version = actions.finish_run(run_id=run.pk, attempt=1, result={"metrics": {"length": 5.0}, "model": None})

    run.refresh_from_db()
    assert version is None
    assert (run.status, run.result["metrics"]) == ("succeeded", {"length": 5.0})
    assert run.attempts.get().exit_code == 0


@pytest.fixture
def ppo_run(project, model, tmp_path):
    make_prompt(project)
    judge = make_version(project, tmp_path / "judge", kind="reward_model")
    run = actions.start_run(
        project=project,
        kind="ppo",
        inputs={"policy": model, "reward_model": judge},
        snapshot=make_snapshot(project, contents=["prompts"]),
        actor=None,
    )
    return actions.claim_run(run_id=run.pk, node="node-1")


def test_a_finished_ppo_run_enters_its_policy_as_a_candidate(ppo_run, model):
    make_model_directory(ppo_run.directory / "model")

    version = actions.finish_run(
        run_id=ppo_run.pk, attempt=1, result={"metrics": {"kl": 0.5}, "model": "model", "step": 12}
    )

    assert (version.kind, version.number, version.is_promoted) == ("policy", model.number + 1, False)
    assert version.directory == ppo_run.directory / "model"
    assert version.metrics == {"kl": 0.5}
    assert model in [i.model_version for i in version.run.inputs.all()]


def test_a_finished_run_without_its_model_fails(ppo_run):
    version = actions.finish_run(run_id=ppo_run.pk, attempt=1, result={"metrics": {}, "model": "model"})

    ppo_run.refresh_from_db()
    assert version is None
    assert ppo_run.status == "failed"
    assert "no model" in ppo_run.error
    assert not ModelVersion.objects.filter(run=ppo_run).exists()


def test_a_failed_run_says_why(run):
    actions.fail_run(run_id=run.pk, attempt=1, exit_code=2, error="the snapshot has no rankings")

    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", "the snapshot has no rankings")
    assert [(a.outcome, a.exit_code) for a in run.attempts.all()] == [("failed", 2)]


# --- the sweep


def grow_old(run, seconds):
    RunAttempt.objects.filter(run=run).update(heartbeat_at=Now() - timedelta(seconds=seconds))


def test_the_sweep_puts_back_a_run_whose_worker_is_silent(run):
    grow_old(run, 61)

    assert actions.sweep_runs() == 1

    run.refresh_from_db()
    assert (run.status, run.attempts.get().outcome) == ("queued", "lost")


def test_the_sweep_leaves_a_run_whose_worker_is_alive(run):
    grow_old(run, 30)

    assert actions.sweep_runs() == 0


def test_the_sweep_looks_at_the_current_attempt_only(run):
    grow_old(run, 1000)
    requeue(run)
    actions.claim_run(run_id=run.pk, node="node-2")

    assert actions.sweep_runs() == 0


@pytest.fixture
def rings():
    """How many messages wait in the queue of sampling runs."""
    broker = redis.Redis.from_url(settings.REDIS_URL)
    broker.flushall()
    yield lambda: broker.llen("sampling")
    broker.flushall()


def sweep(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        return actions.sweep_runs()


def test_the_sweep_rings_again_for_runs_that_wait(model, rings, django_capture_on_commit_callbacks):
    make_sample_run(model)
    make_sample_run(model)

    sweep(django_capture_on_commit_callbacks)

    assert rings() == 2


def test_behind_a_long_run_rings_do_not_pile_up(model, rings, django_capture_on_commit_callbacks):
    make_sample_run(model)

    for _ in range(3):
        sweep(django_capture_on_commit_callbacks)

    assert rings() == 1


def test_a_run_is_kept_when_the_broker_is_away(model, monkeypatch, django_capture_on_commit_callbacks):
    def refuse(*_arguments, **_options):
        raise OperationalError("connection refused")

    monkeypatch.setattr("labeling.actions.doorbell.current_app.send_task", refuse)

    with django_capture_on_commit_callbacks(execute=True) as rung:
        run = make_sample_run(model)

    assert len(rung) == 1
    run.refresh_from_db()
    assert run.status == "queued"
