"""A list costs the same number of queries whatever its length."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.making import make_prompt
from tests.training.making import (
    make_claimed_run,
    make_model_directory,
    make_sample_run,
    make_snapshot,
    make_version,
)
from training import actions
from training.models import Metric, RunAttempt, SampledText


@pytest.fixture
def model(project, tmp_path):
    make_prompt(project)
    return make_version(project, tmp_path / "policy")


def queries(client, address):
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def assert_same_cost(client, address, add):
    add()
    one = queries(client, address)
    for _ in range(9):
        add()
    assert queries(client, address) == one


def finish_sft(project, model, tmp_path):
    """A supervised model with everything its row shows."""
    run = actions.start_run(
        project=project,
        kind="sample",
        inputs={"policy": model},
        snapshot=make_snapshot(project, contents=["prompts"]),
        actor=None,
    )
    run = actions.claim_run(run_id=run.pk, node="node-1")
    type(run).objects.filter(pk=run.pk).update(kind="sft")
    make_model_directory(run.directory / "model")
    actions.finish_run(run_id=run.pk, attempt=1, result={"metrics": {"loss": 1.0}, "model": "model"})


def test_runs(client_for, engineer, project, model):
    address = reverse("runs", args=[project.public_id])

    assert_same_cost(client_for(engineer), address, lambda: make_sample_run(model))


def test_models(client_for, engineer, project, model, tmp_path):
    address = reverse("models", args=[project.public_id])

    assert_same_cost(client_for(engineer), address, lambda: finish_sft(project, model, tmp_path))


def test_snapshots(client_for, engineer, project, model):
    address = reverse("snapshots", args=[project.public_id])

    assert_same_cost(client_for(engineer), address, lambda: make_snapshot(project, contents=["prompts"]))


def test_a_run_with_many_attempts_numbers_and_texts(client_for, engineer, project, model):
    run = make_claimed_run(model)
    numbers = iter(range(100))

    def add():
        n = next(numbers)
        RunAttempt.objects.create(run=run, number=100 + n, node="node")
        Metric.objects.create(run=run, attempt=1, step=n, name=f"measure-{n}", value=1.0)
        SampledText.objects.create(run=run, position=n, attempt=1, step=n, prompt="p", completion="c")

    assert_same_cost(client_for(engineer), reverse("run", args=[run.public_id]), add)


def test_promotions(client_for, engineer, project, model, tmp_path):
    names = iter(range(100))

    def add():
        actions.promote_model(
            project=project, version=make_version(project, tmp_path / f"v-{next(names)}"), user=engineer
        )

    assert_same_cost(client_for(engineer), reverse("promotions", args=[project.public_id]), add)


def test_trials(client_for, engineer, project, model, tmp_path):
    other = make_version(project, tmp_path / "other")
    hello = [{"role": "user", "content": "Hello?"}]

    def add():
        actions.try_models(project=project, versions=[model, other], messages=hello, user=engineer)

    assert_same_cost(client_for(engineer), reverse("try-models", args=[project.public_id]), add)
