import pytest

from labeling.errors import DomainError
from labeling.models import Project
from tests.making import make_prompt
from tests.training.making import make_claimed_run, make_ranking, make_sample_run, make_snapshot, make_version
from training import actions
from training.models import Run, RunInput, Snapshot


@pytest.fixture
def model(project, tmp_path):
    return make_version(project, tmp_path / "policy")


@pytest.fixture
def judge(project, tmp_path):
    return make_version(project, tmp_path / "judge", kind="reward_model")


def start(project, kind, inputs, **fields):
    return actions.start_run(project=project, kind=kind, inputs=inputs, actor=None, **fields)


def refusal(project, kind, inputs, **fields):
    with pytest.raises(DomainError) as refused:
        start(project, kind, inputs, **fields)
    assert not Run.objects.exists()
    return refused.value


def test_a_run_waits_with_its_whole_config_and_its_inputs(project, model, engineer):
    make_prompt(project)

    run = actions.start_run(
        project=project, kind="sample", inputs={"policy": model}, actor=engineer, config={"temperature": 0.5}
    )

    assert (run.status, run.attempt, run.created_by) == ("queued", 0, engineer)
    assert run.config["temperature"] == 0.5
    assert run.config["completions_per_prompt"] == project.completions_per_prompt
    assert run.config["seed"] == run.seed
    assert "policy" not in run.config
    assert list(run.inputs.values_list("role", "model_version")) == [("policy", model.pk)]
    assert [c.to_status for c in run.status_changes.all()] == ["queued"]


def test_each_sampling_is_a_round_of_its_own(project, model):
    assert [make_sample_run(model).round for _ in range(2)] == [1, 2]


def test_a_config_the_engine_would_refuse_is_refused_by_its_field(project, model):
    make_prompt(project)

    error = refusal(project, "sample", {"policy": model}, config={"temperature": -1.0})

    assert error.code == "bad_config"
    assert list(error.fields) == ["temperature"]
    assert "0.01" in error.message


def test_an_unknown_config_field_is_refused(project, model):
    make_prompt(project)

    assert refusal(project, "sample", {"policy": model}, config={"tempo": 1}).fields.keys() == {"tempo"}


def test_an_unknown_kind_is_refused(project, model):
    assert refusal(project, "dpo", {"policy": model}).code == "unknown_kind"


def test_ppo_without_a_reward_model_is_refused(project, model):
    assert refusal(project, "ppo", {"policy": model}).fields.keys() == {"reward_model"}


def test_a_reward_model_is_no_policy(project, model, judge):
    make_prompt(project)

    assert refusal(project, "sample", {"policy": judge}).code == "unfit_input"
    assert refusal(project, "ppo", {"policy": model, "reward_model": model}).code == "unfit_input"


def test_another_projects_model_is_refused(db, model):
    other = Project.objects.create(name="Other")
    make_prompt(other)

    assert refusal(other, "sample", {"policy": model}).code == "unfit_input"


def test_a_model_whose_directory_is_gone_is_refused(project, model):
    make_prompt(project)
    (model.directory / "config.json").unlink()

    assert refusal(project, "sample", {"policy": model}).code == "missing_model"


def test_training_without_a_snapshot_is_refused(project, model):
    assert refusal(project, "sft", {"policy": model}).fields.keys() == {"snapshot"}


def test_a_snapshot_without_what_the_kind_reads_is_refused(project, model):
    make_prompt(project)
    snapshot = make_snapshot(project, contents=["prompts"])

    error = refusal(project, "reward_model", {"policy": model}, snapshot=snapshot)

    assert error.code == "unfit_snapshot"
    assert "rankings" in error.message


def test_a_snapshot_whose_rankings_are_all_outside_train_is_refused(project, model, annotator):
    make_ranking(annotator, project, split="valid")
    snapshot = make_snapshot(project, contents=["rankings"])

    assert refusal(project, "reward_model", {"policy": model}, snapshot=snapshot).code == "unfit_snapshot"


def test_a_snapshot_that_is_not_ready_is_refused(project, model):
    make_prompt(project)
    snapshot = actions.take_snapshot(project=project, user=None, contents=["prompts"])

    assert snapshot.status == Snapshot.Status.BUILDING
    assert refusal(project, "sft", {"policy": model}, snapshot=snapshot).code == "unfit_snapshot"


def test_sampling_without_prompts_is_refused(project, model):
    assert refusal(project, "sample", {"policy": model}).code == "no_prompts"


def test_an_unknown_split_is_refused(project, model):
    make_prompt(project)

    assert refusal(project, "sample", {"policy": model}, splits=["exam"]).code == "unknown_split"


def test_the_snapshot_and_models_of_a_run_are_its_lineage(project, model, judge):
    make_prompt(project)
    snapshot = make_snapshot(project, contents=["prompts"])

    run = start(project, "ppo", {"policy": model, "reward_model": judge}, snapshot=snapshot)

    assert run.snapshot == snapshot
    assert {i.role: i.model_version for i in run.inputs.all()} == {
        RunInput.Role.POLICY: model,
        RunInput.Role.REWARD_MODEL: judge,
    }


def test_cancelling_a_run_that_waits_ends_it(model, engineer):
    run = actions.cancel_run(run=make_sample_run(model), actor=engineer)

    assert run.status == "cancelled"
    assert run.finished_at is not None
    assert run.status_changes.last().actor == engineer
    assert actions.claim_run(run_id=run.pk, node="node-1") is None


def test_cancelling_a_run_that_works_asks_it_to_stop(model):
    run = make_claimed_run(model)

    cancelled = actions.cancel_run(run=run, actor=None)

    assert (cancelled.status, cancelled.is_cancelling) == ("running", True)
    assert actions.renew_heartbeat(run_id=run.pk, attempt=run.attempt)


def test_cancelling_twice_is_cancelling_once(model):
    run = actions.cancel_run(run=make_claimed_run(model), actor=None)
    asked_at = run.cancel_requested_at

    assert actions.cancel_run(run=run, actor=None).cancel_requested_at == asked_at


def test_a_run_that_is_over_cannot_be_cancelled(model):
    run = actions.cancel_run(run=make_sample_run(model), actor=None)

    with pytest.raises(DomainError) as refused:
        actions.cancel_run(run=run, actor=None)

    assert (refused.value.code, refused.value.status) == ("run_is_over", 409)
