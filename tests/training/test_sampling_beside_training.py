"""Real workers: sampling beside a long run, a trial, and a run tried again that goes on where it was."""

import time

import pytest

from labeling.models import Completion, Prompt, Task
from tests.making import make_prompt
from tests.training.making import TINY_PPO, TINY_SAMPLE, make_snapshot
from tests.training.test_with_workers import wait_for_status, wait_for_steps, wait_until
from training import actions, queries
from training.models import Metric, ModelVersion, Sample

pytestmark = pytest.mark.slow


@pytest.fixture
def candidate(project, tiny_model):
    return actions.register_model(project=project, kind=ModelVersion.Kind.POLICY, directory=tiny_model)


@pytest.fixture
def long_run(project, policy, reward_model):
    """A PPO run that keeps its worker for longer than the test takes."""
    for _ in range(4):
        make_prompt(project)
    return actions.start_run(
        project=project,
        kind="ppo",
        inputs={"policy": policy, "reward_model": reward_model},
        snapshot=make_snapshot(project, contents=["prompts"]),
        config=TINY_PPO | {"steps": 10_000},
        actor=None,
    )


def test_after_a_rollback_the_former_policy_samples_within_a_minute_beside_a_long_run(
    workers, project, policy, candidate, long_run
):
    workers.start("gpu", queues="gpu")
    workers.start("sampling")
    wait_for_steps(long_run, 1)
    promoted = actions.promote_model(project=project, version=candidate, user=None)
    asked = time.monotonic()

    run = actions.roll_back(project=project, version=policy, user=None)
    wait_until(lambda: Task.objects.filter(kind="rank", round=run.round).exists())

    assert time.monotonic() - asked < 60
    assert set(Sample.objects.filter(run=run).values_list("model_version", flat=True)) == {policy.pk}
    wait_for_status(promoted, "cancelled", "succeeded")
    long_run.refresh_from_db()
    assert long_run.status == "running"


def test_a_trial_is_answered_by_both_models_and_leaves_no_trace_in_the_record(
    workers, project, policy, candidate
):
    workers.start("gpu")

    trial = actions.try_models(
        project=project,
        versions=[policy, candidate],
        messages=[{"role": "user", "content": "Say something."}],
        user=None,
        config=TINY_SAMPLE,
    )
    answers = list(trial.answers.select_related("run"))
    for answer in answers:
        wait_for_status(answer.run, "succeeded", "failed")
        answer.refresh_from_db()

    assert [(a.run.status, a.run.error) for a in answers] == [("succeeded", "")] * 2
    assert all(a.text is not None and 1 <= a.token_count <= 8 for a in answers)
    # The same files, prompt, seed and settings say the same.
    assert answers[0].text == answers[1].text
    for model in (Prompt, Completion, Sample, Task):
        assert not model.objects.exists()


def test_a_cancelled_run_that_is_tried_again_goes_on_from_its_checkpoint(workers, long_run):
    workers.start("gpu")
    wait_for_steps(long_run, 3)
    actions.cancel_run(run=long_run, actor=None)
    wait_for_status(long_run, "cancelled", seconds=25)
    done = Metric.objects.filter(run=long_run, name="train/score").latest("step").step

    actions.retry_run(run=long_run, actor=None)
    wait_until(lambda: Metric.objects.filter(run=long_run, attempt=2, name="train/score").exists())

    resumed_at = Metric.objects.filter(run=long_run, attempt=2, name="train/score").earliest("step").step
    assert 1 < resumed_at <= done + 1
    said = [message.text for message in queries.messages_of(long_run)]
    assert any(text.startswith("resumed from") for text in said)
    assert (long_run.directory / "tensorboard").is_dir()
