"""Two versions answer one prompt of one's own: looked at, never judged and never trained on."""

import pytest

from labeling.errors import DomainError
from labeling.models import Completion, Project, Prompt, Task
from tests.making import make_prompt
from tests.training.making import TINY_SAMPLE, make_sample_run, make_snapshot, make_version
from training import actions, launcher, queries
from training.engine import records
from training.models import Run, Sample, Trial

HELLO = [{"role": "user", "content": "Hello?"}]


@pytest.fixture
def first(project, tmp_path):
    return make_version(project, tmp_path / "v0")


@pytest.fixture
def second(project, tmp_path):
    return make_version(project, tmp_path / "v1")


def try_models(project, *versions, messages=HELLO, **fields):
    return actions.try_models(project=project, versions=versions, messages=messages, user=None, **fields)


def refusal(project, *versions, **fields):
    with pytest.raises(DomainError) as refused:
        try_models(project, *versions, **fields)
    assert not Trial.objects.exists()
    assert not Run.objects.exists()
    return refused.value


def answer_of(run, text="An answer."):
    claimed = actions.claim_run(run_id=run.pk, node="node-1")
    line = {
        "prompt_id": str(run.trial_answer.trial.public_id),
        "index": 0,
        "text": text,
        "finish_reason": "stop",
        "token_count": 3,
        "seed": 1,
    }
    return actions.record_completions(run_id=run.pk, attempt=claimed.attempt, completions=[line])


def test_each_version_answers_once_with_the_same_seed_and_settings(project, first, second):
    trial = try_models(project, first, second, config=TINY_SAMPLE | {"temperature": 0.5})

    answers = list(trial.answers.all())
    assert [a.model_version for a in answers] == [first, second]
    assert answers[0].run.config == answers[1].run.config
    assert answers[0].run.config["completions_per_prompt"] == 1
    assert answers[0].run.config["temperature"] == 0.5
    assert [a.run.inputs.get().model_version for a in answers] == [first, second]


def test_the_engine_is_given_the_trials_prompt_alone(project, first, second):
    make_prompt(project)
    trial = try_models(project, first, second)
    run = trial.answers.all()[0].run

    launcher.write_directory(run)

    prompts = list(records.read_records(run.directory / "snapshot" / "prompts.parquet", records.Prompt))
    assert [p.messages for p in prompts] == [(records.Message("user", "Hello?"),)]


def test_an_answer_becomes_no_completion_no_sample_and_no_task(project, first, second):
    trial = try_models(project, first, second)

    opened = [answer_of(answer.run, "x\x00y") for answer in trial.answers.all()]

    assert opened == [0, 0]
    assert [(a.text, a.finish_reason, a.token_count) for a in trial.answers.all()] == [
        ("x\ufffdy", "stop", 3)
    ] * 2
    for model in (Prompt, Completion, Sample, Task):
        assert not model.objects.exists()


def test_a_trial_enters_no_snapshot_no_round_and_no_list_of_runs(project, first, second):
    make_prompt(project, "Something else?")
    trial = try_models(project, first, second)
    answer_of(trial.answers.all()[0].run)

    snapshot = make_snapshot(project, contents=["prompts"])

    assert snapshot.counts == {"prompts": {"train": 1}}
    assert "Hello?" not in str((snapshot.directory / "prompts.parquet").read_bytes())
    assert not queries.runs_of(project).exists()
    assert make_sample_run(first).round == 1


def test_a_promotion_leaves_trials_alone(project, first, second):
    make_prompt(project)
    trial = try_models(project, first, second)

    actions.promote_model(project=project, version=first, user=None)
    actions.promote_model(project=project, version=second, user=None)

    assert {a.run.status for a in trial.answers.select_related("run")} == {"queued"}


def test_cancelling_ends_both_sides_and_twice_is_once(project, first, second, engineer):
    trial = try_models(project, first, second)

    for _ in range(2):
        actions.cancel_trial(trial=trial, actor=engineer)

    assert {a.run.status for a in trial.answers.select_related("run")} == {"cancelled"}


def test_a_version_against_itself_is_refused(project, first):
    assert refusal(project, first, first).code == "unfit_input"


def test_a_reward_model_answers_nothing(project, first, tmp_path):
    judge = make_version(project, tmp_path / "judge", kind="reward_model")

    assert refusal(project, first, judge).code == "unfit_input"


def test_another_projects_version_is_refused(project, first, tmp_path):
    other = make_version(Project.objects.create(name="Other"), tmp_path / "theirs")

    assert refusal(project, first, other).code == "unfit_input"


def test_a_version_whose_directory_is_gone_is_refused(project, first, second):
    (second.directory / "config.json").unlink()

    assert refusal(project, first, second).code == "missing_model"


@pytest.mark.parametrize(
    "messages, code",
    [
        ([], "bad_messages"),
        ([{"role": "assistant", "content": "Hi."}], "bad_messages"),
        ([{"role": "user", "content": "a\x00b"}], "bad_messages"),
        ([{"role": "user", "content": "a" * 20_001}], "too_long"),
    ],
)
def test_a_malformed_conversation_is_refused(project, first, second, messages, code):
    assert refusal(project, first, second, messages=messages).code == code


def test_a_setting_the_engine_would_refuse_is_refused_by_its_field(project, first, second):
    assert refusal(project, first, second, config={"temperature": -1.0}).fields.keys() == {"temperature"}
