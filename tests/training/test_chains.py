"""Chains: the next step starts when the one before has succeeded, and a step that did not ends it."""

import threading

import pytest
from django.db import connection

from labeling.actions import review_submission
from labeling.errors import Conflict, DomainError
from labeling.models import Prompt, Submission
from tests.making import make_prompt
from tests.training.making import (
    make_model_directory,
    make_promoted,
    make_ranking,
    make_snapshot,
    make_version,
)
from training import actions, tasks
from training.models import Chain, ChainStatusChange, Run, Snapshot
from training.queries import is_outgrown


@pytest.fixture
def policy(project, tmp_path):
    return make_promoted(make_version(project, tmp_path / "policy"))


@pytest.fixture
def ranked(project, policy, annotator):
    """The project with one ranking in it."""
    make_ranking(annotator, project)
    return project


def build(chain):
    tasks.build_snapshot(chain.snapshot_id)
    chain.refresh_from_db()


def work(run, ending="succeeded"):
    """An attempt that ends so, then the task that worked on it."""
    run = actions.claim_run(run_id=run.pk, node="node-1")
    if ending == "succeeded":
        make_model_directory(run.directory / "model")
        actions.finish_run(run_id=run.pk, attempt=1, result={"model": "model"})
    elif ending == "failed":
        actions.fail_run(run_id=run.pk, attempt=1, exit_code=2, error="Out of memory.")
    else:
        actions.cancel_run(run=run, actor=None)
        actions.end_cancelled_run(run_id=run.pk, attempt=1, exit_code=75)
    tasks.execute_run(run.pk)


def steps(chain):
    chain.refresh_from_db()
    return [(run.kind, run.status) for run in chain.runs.order_by("pk")]


def test_a_run_waits_for_its_snapshot_and_reads_it(ranked, engineer):
    chain = actions.start_training(project=ranked, kind="reward_model", actor=engineer)
    assert (chain.snapshot.status, steps(chain)) == ("building", [])

    build(chain)

    assert steps(chain) == [("reward_model", "queued")]
    run = chain.runs.get()
    assert (run.snapshot, run.created_by) == (chain.snapshot, engineer)


def test_each_step_starts_when_the_one_before_has_succeeded(ranked, engineer):
    chain = actions.start_chain(project=ranked, kinds=["reward_model", "ppo"], actor=engineer)

    build(chain)
    work(chain.runs.get(kind="reward_model"))
    assert steps(chain) == [("reward_model", "succeeded"), ("ppo", "queued")]
    work(chain.runs.get(kind="ppo"))

    assert steps(chain) == [("reward_model", "succeeded"), ("ppo", "succeeded")]
    assert (chain.status, chain.reason) == ("succeeded", "")
    assert [c.to_status for c in ChainStatusChange.objects.filter(subject=chain)] == ["running", "succeeded"]


def test_ppo_takes_the_reward_model_of_its_own_chain(ranked, engineer, tmp_path):
    chain = actions.start_chain(project=ranked, kinds=["reward_model", "ppo"], actor=engineer)
    build(chain)
    work(chain.runs.get())
    mine = chain.runs.get(kind="reward_model").model_version

    later = actions.start_chain(project=ranked, kinds=["reward_model", "ppo"], actor=engineer)
    make_version(ranked, tmp_path / "other", kind="reward_model")
    build(later)
    work(later.runs.get())

    assert chain.runs.get(kind="ppo").inputs.get(role="reward_model").model_version == mine
    made_later = later.runs.get(kind="reward_model").model_version
    assert later.runs.get(kind="ppo").inputs.get(role="reward_model").model_version == made_later


@pytest.mark.parametrize(
    "ending, status, reason",
    [("failed", "failed", "Out of memory."), ("cancelled", "cancelled", "was cancelled")],
)
def test_a_step_that_does_not_succeed_ends_the_chain_with_its_reason(ranked, ending, status, reason):
    chain = actions.start_chain(project=ranked, kinds=["reward_model", "ppo"], actor=None)
    build(chain)

    work(chain.runs.get(), ending)

    assert steps(chain) == [("reward_model", ending)]
    assert chain.status == status
    assert reason in chain.reason


def test_a_snapshot_that_cannot_be_built_ends_the_chain(ranked, settings, tmp_path):
    chain = actions.start_chain(project=ranked, kinds=["reward_model"], actor=None)
    (tmp_path / "full").write_text("a file where a directory should be")
    settings.ARTIFACTS_DIR = tmp_path / "full"

    build(chain)

    assert chain.status == "failed"
    assert chain.reason.startswith("The snapshot failed: ")
    assert steps(chain) == []


def test_a_step_that_is_refused_ends_the_chain_with_the_sentence(ranked):
    """Rankings are there, demonstrations are not."""
    chain = actions.start_chain(project=ranked, kinds=["sft"], actor=None)

    build(chain)

    assert chain.status == "failed"
    assert "no demonstrations in the train split" in chain.reason


def test_going_on_twice_starts_a_step_once(ranked):
    chain = actions.start_chain(project=ranked, kinds=["reward_model"], actor=None)
    build(chain)

    tasks.build_snapshot(chain.snapshot_id)
    actions.continue_chains()

    assert len(steps(chain)) == 1


def test_what_a_worker_did_not_live_to_go_on_with_the_periodic_check_does(ranked):
    chain = actions.start_chain(project=ranked, kinds=["reward_model"], actor=None)
    actions.build_snapshot(snapshot_id=chain.snapshot_id)
    assert steps(chain) == []

    tasks.check_rules()

    assert steps(chain) == [("reward_model", "queued")]


def test_cancelling_ends_the_run_it_is_at(ranked, engineer):
    chain = actions.start_chain(project=ranked, kinds=["reward_model", "ppo"], actor=None)
    build(chain)

    actions.cancel_chain(chain=chain, actor=engineer)

    assert steps(chain) == [("reward_model", "cancelled")]
    assert (chain.status, chain.reason) == ("cancelled", "Cancelled by Eli.")
    with pytest.raises(Conflict, match="nothing to cancel"):
        actions.cancel_chain(chain=chain, actor=engineer)


def test_the_newest_snapshot_serves_while_the_record_has_not_grown(ranked, engineer, annotator):
    snapshot = make_snapshot(ranked)

    chain = actions.start_training(project=ranked, kind="reward_model", actor=engineer)
    assert chain.snapshot == snapshot
    assert steps(chain) == [("reward_model", "queued")]

    actions.cancel_chain(chain=chain, actor=engineer)
    make_ranking(annotator, ranked)
    grown = actions.start_training(project=ranked, kind="reward_model", actor=engineer)
    assert grown.snapshot != snapshot
    assert Snapshot.objects.count() == 2


def test_what_a_reviewer_returned_is_no_growth_but_in_a_snapshot_it_makes_it_old(ranked, annotator, manager):
    snapshot = make_snapshot(ranked)
    in_it = Submission.objects.get()
    later = make_ranking(annotator, ranked)
    Prompt.objects.update(created_at=snapshot.created_at)
    back = {"reviewer": manager, "verdict": "returned", "note": "Read C again."}

    assert is_outgrown(snapshot)
    review_submission(submission=later, **back)
    assert not is_outgrown(snapshot)
    review_submission(submission=in_it, **back)
    assert is_outgrown(snapshot)


def test_a_new_prompt_too_is_growth(ranked, engineer):
    snapshot = make_snapshot(ranked)
    make_prompt(ranked)

    assert actions.start_training(project=ranked, kind="reward_model", actor=engineer).snapshot != snapshot


def test_the_same_is_not_started_twice(ranked, engineer):
    actions.start_training(project=ranked, kind="reward_model", actor=engineer)

    with pytest.raises(Conflict, match="under way already"):
        actions.start_training(project=ranked, kind="reward_model", actor=engineer)


def test_without_a_promoted_policy_it_says_what_to_do(project, annotator):
    make_ranking(annotator, project)

    with pytest.raises(DomainError, match="promote a model first"):
        actions.start_training(project=project, kind="sft", actor=None)


def test_ppo_without_a_reward_model_says_what_to_do(ranked):
    with pytest.raises(DomainError, match="train one first"):
        actions.start_training(project=ranked, kind="ppo", actor=None)


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_at_the_same_time_one_starts(ranked, engineer):
    outcomes = at_once(lambda: actions.start_training(project=ranked, kind="reward_model", actor=engineer))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Chain", "Conflict"]
    assert Chain.objects.count() == 1
    assert Run.objects.count() <= 1


def at_once(action):
    """What two threads got that did this at the same time."""
    together = threading.Barrier(2)
    outcomes = []

    def do():
        try:
            together.wait(10)
            outcomes.append(action())
        except Exception as error:
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=do) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return outcomes
