"""Snapshots, runs and models, by the API alone."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api import api_for, assert_problem
from tests.making import make_prompt
from tests.training.making import (
    make_claimed_run,
    make_model_directory,
    make_promoted,
    make_ranking,
    make_sample_run,
    make_snapshot,
    make_version,
)
from tests.training.test_query_counts import finish_sft
from training import actions
from training.models import Metric, ModelVersion, Promotion, Run


@pytest.fixture
def api(engineer):
    return api_for(engineer)


@pytest.fixture
def model(project, tmp_path):
    make_prompt(project)
    return make_promoted(make_version(project, tmp_path / "policy"))


def test_a_snapshot_is_taken_and_followed_until_it_is_ready(api, project, annotator):
    make_ranking(annotator, project)

    taken = api.post(f"projects/{project.public_id}/snapshots/", {"contents": ["prompts", "rankings"]})
    actions.build_snapshot(snapshot_id=project.snapshots.get().pk)
    ready = api.get(f"snapshots/{taken.data['id']}/").data

    assert (taken.status_code, taken.data["status"]) == (201, "building")
    assert (ready["status"], ready["counts"]["rankings"]) == ("ready", {"train": 1})
    assert ready["splits"] == ["train", "valid", "test"]
    assert len(ready["content_hash"]) == 64


def test_an_empty_snapshot_is_refused_with_the_pages_sentence(api, project):
    answer = api.post(f"projects/{project.public_id}/snapshots/", {})

    assert_problem(answer, 400, "empty_snapshot")


def test_a_run_takes_what_is_usual_unless_told_otherwise(api, project, model, tmp_path):
    other = make_version(project, tmp_path / "other")
    path = f"projects/{project.public_id}/runs/"

    usual = api.post(path, {"kind": "sample"}).data
    named = api.post(
        path,
        {
            "kind": "sample",
            "inputs": {"policy": str(other.public_id)},
            "config": {"temperature": 0.5},
            "splits": ["train"],
        },
    ).data

    assert usual["inputs"][0]["model"]["id"] == str(model.public_id)
    assert named["inputs"][0]["model"]["id"] == str(other.public_id)
    assert (named["config"]["temperature"], named["splits"]) == (0.5, ["train"])
    assert (named["status"], named["model"]) == ("queued", None)


def test_a_corpus_is_found_and_pretrained_on(api, project, model):
    lines = b'{"text": "One."}\n{"text": "Two."}\n'
    corpus = actions.upload_corpus(project=project, user=None, name="", file_name="a.jsonl", chunks=[lines])
    actions.build_corpus(snapshot_id=corpus.pk)

    [found] = api.get(f"projects/{project.public_id}/corpora/").data["items"]
    run = api.post(f"projects/{project.public_id}/runs/", {"kind": "pretrain", "corpus": found["id"]})

    assert (found["name"], found["status"], found["documents"], found["characters"]) == ("a", "ready", 2, 8)
    assert (run.status_code, run.data["corpus"], run.data["snapshot"]) == (201, found["id"], None)
    assert api.get(f"projects/{project.public_id}/snapshots/").data["items"] == []


def test_an_ensemble_scores_the_newest_outputs(api, project, model, annotator, tmp_path):
    make_ranking(annotator, project)
    outputs = make_snapshot(project, contents=["completions"])
    make_snapshot(project)
    first, second = (make_version(project, tmp_path / name, kind="reward_model") for name in ("a", "b"))

    run = api.post(
        f"projects/{project.public_id}/runs/", {"kind": "score", "ensemble": [str(first.public_id)]}
    ).data

    assert run["snapshot"] == str(outputs.public_id)
    read = [(entry["role"], entry["model"]["id"]) for entry in run["inputs"]]
    assert read == [("reward_model", str(second.public_id)), ("reward_model", str(first.public_id))]


@pytest.mark.parametrize(
    "wish, field",
    [
        ({"kind": "sample", "config": {"temperature": -1}}, "temperature"),
        ({"kind": "sample", "config": {"tempo": 1}}, "tempo"),
        ({"kind": "sample", "inputs": {"policy": "00000000-0000-4000-8000-000000000000"}}, "inputs.policy"),
        ({"kind": "sft", "snapshot": "00000000-0000-4000-8000-000000000000"}, "snapshot"),
        ({"kind": "reward_model"}, "snapshot"),
        ({"kind": "ppo"}, "reward_model"),
        ({"kind": "pretrain"}, "corpus"),
        ({"kind": "pretrain", "corpus": "00000000-0000-4000-8000-000000000000"}, "corpus"),
        ({"kind": "score", "ensemble": ["00000000-0000-4000-8000-000000000000"]}, "ensemble"),
        ({"kind": "dance"}, "kind"),
        ({"kind": "sample", "inputs": {"policy": "x"}}, "inputs.policy"),
        ({"kind": "sample", "inputs": {"policy\\ud800": "x"}}, "inputs.policy\\ud800"),
    ],
)
def test_a_wish_that_does_not_fit_is_refused_by_field(wish, field, api, project, model):
    answer = api.post(f"projects/{project.public_id}/runs/", wish)

    assert_problem(answer, 400)
    assert list(answer.data["fields"]) == [field]
    assert not Run.objects.exists()


def test_a_model_of_another_project_is_no_input(api, project, model, person, tmp_path):
    from labeling.models import Project

    foreign = make_version(Project.objects.create(name="Other"), tmp_path / "foreign")
    wish = {"kind": "sample", "inputs": {"policy": str(foreign.public_id)}}

    assert_problem(api.post(f"projects/{project.public_id}/runs/", wish), 400, "unknown_model")


def test_a_run_is_followed_by_state_progress_metrics_and_log(api, model):
    run = make_claimed_run(model)
    Run.objects.filter(pk=run.pk).update(progress_done=3, progress_total=10, progress_unit="prompts")
    for step in range(4):
        Metric.objects.create(run=run, attempt=1, step=step, name="kl", value=step / 10)
        Metric.objects.create(run=run, attempt=1, step=step, name="score", value=step)
    Metric.objects.create(run=run, attempt=2, step=3, name="kl", value=9.0)
    run.directory.mkdir(parents=True, exist_ok=True)
    (run.directory / "log.txt").write_text("hello\n")
    path = f"runs/{run.public_id}/"

    followed = api.get(f"{path}metrics/", since=1).data

    assert api.get(path).data["progress"] == {"done": 3, "total": 10, "unit": "prompts"}
    assert [(v["step"], v["name"], v["value"]) for v in followed["values"]] == [
        (2, "kl", 0.2),
        (2, "score", 2.0),
        (3, "kl", 9.0),
        (3, "score", 3.0),
    ]
    assert (followed["last_step"], followed["has_more"], followed["status"]) == (3, False, "running")
    assert {v["name"] for v in api.get(f"{path}metrics/", name="kl").data["values"]} == {"kl"}
    assert api.get(f"{path}metrics/", since=3).data["values"] == []
    assert api.get(f"{path}log/").data == {"status": "running", "tail": "hello\n"}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_measure_that_is_no_number_is_null(value, api, model):
    run = make_claimed_run(model)
    Metric.objects.create(run=run, attempt=1, step=1, name="loss", value=value)

    assert api.get(f"runs/{run.public_id}/metrics/").data["values"] == [
        {"step": 1, "name": "loss", "value": None}
    ]


def test_many_metrics_come_in_whole_steps(api, model, monkeypatch):
    monkeypatch.setattr("training.queries.follow.MOST_VALUES", 5)
    run = make_claimed_run(model)
    for step in range(4):
        for name in ("kl", "score"):
            Metric.objects.create(run=run, attempt=1, step=step, name=name, value=1.0)
    path = f"runs/{run.public_id}/metrics/"

    first = api.get(path).data
    second = api.get(path, since=first["last_step"]).data

    assert (first["last_step"], first["has_more"]) == (1, True)
    assert ([v["step"] for v in second["values"]], second["has_more"]) == ([2, 2, 3, 3], False)


def test_a_waiting_run_is_cancelled_and_one_that_is_over_is_not(api, model):
    run = make_sample_run(model)

    assert api.post(f"runs/{run.public_id}/cancel/").data["status"] == "cancelled"
    assert_problem(api.post(f"runs/{run.public_id}/cancel/"), 409, "run_is_over")


def test_a_model_is_promoted_and_rolled_back(api, project, model, tmp_path):
    Promotion.objects.create(project=project, to_version=model)
    better = make_version(project, tmp_path / "better")

    promoted = api.post(f"models/{better.public_id}/promote/", {"note": "wins"})
    again = api.post(f"models/{better.public_id}/promote/")
    back = api.post(f"models/{model.public_id}/roll-back/", {"note": "sounds worse"})

    assert (promoted.status_code, promoted.data["model"]["is_promoted"]) == (200, True)
    assert Run.objects.get(public_id=promoted.data["run"]).kind == "sample"
    assert_problem(again, 409, "promoted_already")
    assert back.data["model"]["id"] == str(model.public_id)
    assert ModelVersion.objects.get(is_promoted=True) == model
    assert list(Promotion.objects.values_list("note", flat=True)) == ["sounds worse", "wins", ""]


def test_a_model_tells_its_parents(api, project, model, tmp_path):
    finish_sft(project, model, tmp_path)

    [made] = [m for m in api.get(f"projects/{project.public_id}/models/").data["items"] if m["kind"] == "sft"]

    assert [(p["role"], p["model"]["id"]) for p in made["parents"]] == [("policy", str(model.public_id))]
    assert made["metrics"] == {"loss": 1.0}
    assert api.get(f"runs/{made['run']}/").data["model"] == made["id"]


@pytest.mark.parametrize("what", ["runs", "models", "snapshots"])
def test_a_list_costs_the_same_however_long_it_is(what, api, project, model, tmp_path):
    add = {
        "runs": lambda: make_sample_run(model),
        "models": lambda: finish_sft(project, model, tmp_path),
        "snapshots": lambda: make_snapshot(project, contents=["prompts"]),
    }[what]

    def cost():
        with CaptureQueriesContext(connection) as captured:
            assert api.get(f"projects/{project.public_id}/{what}/").status_code == 200
        return len(captured)

    add()
    cost()
    one = cost()
    for _ in range(9):
        add()

    assert cost() == one


def test_a_run_whose_model_directory_is_gone_is_refused(api, project, model):
    directory = make_model_directory(model.directory)
    (directory / "config.json").unlink()

    assert_problem(api.post(f"projects/{project.public_id}/runs/", {"kind": "sample"}), 400, "missing_model")
