"""A run again: the same one once more, or another that starts from its settings."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from labeling.errors import DomainError
from labeling.models import Project
from tests.making import make_prompt
from tests.training.making import make_claimed_run, make_sample_run, make_snapshot, make_version
from training import actions
from training.models import Run, RunAttempt


@pytest.fixture
def model(project, tmp_path):
    make_prompt(project)
    return make_version(project, tmp_path / "policy")


@pytest.fixture
def client(client_for, engineer):
    return client_for(engineer)


def failed(run):
    actions.fail_run(run_id=run.pk, attempt=run.attempt, exit_code=1, error="No memory.")
    run.refresh_from_db()
    return run


def test_a_failed_run_waits_again_as_it_was_asked_for(model, engineer):
    run = failed(make_claimed_run(model, config={"temperature": 0.4}))

    actions.retry_run(run=run, actor=engineer)

    run.refresh_from_db()
    assert (run.status, run.error, run.finished_at) == ("queued", "", None)
    assert run.config["temperature"] == 0.4
    assert run.status_changes.last().actor == engineer
    again = actions.claim_run(run_id=run.pk, node="node-2")
    assert again.attempt == 2
    assert again.directory == run.directory


def test_a_cancelled_run_can_be_tried_again_and_is_not_cancelled_at_once(model):
    run = actions.cancel_run(run=make_sample_run(model), actor=None)

    run = actions.retry_run(run=run, actor=None)

    assert not run.is_cancelling
    claimed = actions.claim_run(run_id=run.pk, node="node-1")
    assert not actions.renew_heartbeat(run_id=run.pk, attempt=claimed.attempt)


def test_what_waits_works_or_has_succeeded_is_not_tried_again(model):
    waiting, working, done = make_sample_run(model), make_claimed_run(model), make_claimed_run(model)
    actions.finish_run(run_id=done.pk, attempt=1, result={})

    for run in (waiting, working, done):
        with pytest.raises(DomainError) as refused:
            actions.retry_run(run=run, actor=None)
        assert (refused.value.code, refused.value.status) == ("run_not_to_retry", 409)


def test_a_run_whose_model_is_gone_is_not_tried_again(model):
    run = failed(make_claimed_run(model))
    (model.directory / "config.json").unlink()

    with pytest.raises(DomainError) as refused:
        actions.retry_run(run=run, actor=None)

    assert refused.value.code == "missing_model"


def test_crashes_before_the_retry_do_not_count_against_it(model):
    run = make_claimed_run(model)
    for number in range(10, 10 + actions.MOST_CRASHES):
        RunAttempt.objects.create(run=run, number=number, node="n", outcome="crashed")
    RunAttempt.objects.filter(run=run).update(started_at=Now() - timedelta(minutes=1))
    actions.retry_run(run=failed(run), actor=None)
    again = actions.claim_run(run_id=run.pk, node="node-1")

    run = actions.requeue_run(run_id=run.pk, attempt=again.attempt, outcome=RunAttempt.Outcome.CRASHED)

    assert run.status == "queued"


def test_the_button_tries_again_and_only_where_that_can_be(client, model):
    run = failed(make_claimed_run(model))
    address = reverse("run", args=[run.public_id])
    assert reverse("retry-run", args=[run.public_id]) in client.get(address).content.decode()

    answer = client.post(reverse("retry-run", args=[run.public_id]), follow=True)

    run.refresh_from_db()
    assert run.status == "queued"
    assert reverse("retry-run", args=[run.public_id]) not in answer.content.decode()


def test_a_refused_retry_says_why(client, model):
    run = make_sample_run(model)

    page = client.post(reverse("retry-run", args=[run.public_id]), follow=True).content.decode()

    assert "Only a run that failed or was cancelled" in page


# --- clone


def start_address(project, kind, run):
    return reverse("start-run", args=[project.public_id, kind]) + f"?from={run.public_id}"


def test_the_form_of_a_clone_holds_what_the_run_was_asked_for(client, project, model, tmp_path):
    other = make_version(project, tmp_path / "other")
    run = make_sample_run(other, {"temperature": 0.35, "seed": 77}, splits=["valid", "train"])
    make_sample_run(model)

    form = client.get(start_address(project, "sample", run)).context["form"]

    assert form["temperature"].value() == 0.35
    assert form["seed"].value() == 77
    assert form["policy"].value() == other.public_id
    assert form["splits"].value() == ["valid", "train"]


def test_a_clone_reads_the_snapshot_of_its_run(client, project, model, tmp_path):
    judge = make_version(project, tmp_path / "judge", kind="reward_model")
    snapshot = make_snapshot(project, contents=["prompts"])
    run = actions.start_run(
        project=project,
        kind="ppo",
        inputs={"policy": model, "reward_model": judge},
        snapshot=snapshot,
        config={"kl_coef": 0.07},
        actor=None,
    )
    make_snapshot(project, contents=["prompts"])
    make_version(project, tmp_path / "newer judge", kind="reward_model")

    form = client.get(start_address(project, "ppo", run)).context["form"]

    assert form["snapshot"].value() == snapshot.public_id
    assert form["reward_model"].value() == judge.public_id
    assert form["kl_coef"].value() == 0.07


def test_a_clone_is_of_ones_own_project_and_kind(client, project, model, tmp_path):
    other = Project.objects.create(name="Other")
    make_prompt(other)
    theirs = make_sample_run(make_version(other, tmp_path / "theirs"))
    mine = make_sample_run(model)

    assert client.get(start_address(project, "sample", theirs)).status_code == 404
    assert client.get(start_address(project, "sft", mine)).status_code == 404
    nonsense = reverse("start-run", args=[project.public_id, "sample"]) + "?from=nonsense"
    assert client.get(nonsense).status_code == 404


# --- presets


@pytest.mark.parametrize("kind", Run.Kind.values)
@pytest.mark.parametrize("preset", ["starter", "instructgpt", "tiny"])
def test_a_preset_fills_the_form_and_names_its_sources(client, project, model, kind, preset):
    from training.engine.config_presets import PRESETS

    answer = client.get(reverse("start-run", args=[project.public_id, kind]) + f"?preset={preset}")

    for name, entry in PRESETS[preset].values.get(kind, {}).items():
        field = answer.context["form"][name]
        assert field.value() == entry.value
        assert f"Source: {entry.source}." in field.help_text


def test_an_unknown_preset_has_no_form(client, project, model):
    assert (
        client.get(reverse("start-run", args=[project.public_id, "ppo"]) + "?preset=magic").status_code == 404
    )


def test_every_field_says_its_unit_effect_and_source(client, project, model):
    form = client.get(reverse("start-run", args=[project.public_id, "ppo"])).context["form"]

    assert form["kl_cap"].label == "KL cap (nats per completion)"
    assert "Higher: stays nearer to the reference." in form["kl_coef"].help_text
    assert "Source: Ouyang 2022, C.4: 0.02" in form["kl_coef"].help_text
