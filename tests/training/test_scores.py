"""Score runs: which completions, by which reward models, and what is kept of them."""

import json

import pytest
from django.core.management import call_command
from django.urls import reverse

from labeling import actions as labeling_actions
from labeling import exports
from labeling.errors import DomainError
from labeling.models import Completion
from tests.making import make_prompt, make_ranking_task
from tests.training.making import make_snapshot, make_version
from training import actions, launcher
from training.models import ModelVersion, Run, Score

TITLES = ("Highest scores", "Lowest scores", "Where the reward models are furthest apart")


@pytest.fixture
def reward_models(project, tmp_path):
    return [make_version(project, tmp_path / f"reward-{n}", kind="reward_model") for n in range(3)]


@pytest.fixture
def outputs(project):
    make_ranking_task(project, ["a", "b"])
    return make_snapshot(project, contents=["completions"])


@pytest.fixture
def run(project, reward_models, outputs):
    first, *others = reward_models
    queued = actions.start_run(
        project=project,
        kind="score",
        inputs={"reward_model": first},
        ensemble=others,
        snapshot=outputs,
        actor=None,
    )
    return actions.claim_run(run_id=queued.pk, node="node")


def line(completion, score=0.5, spread=0.1):
    return {"completion_id": str(completion.public_id), "score": score, "spread": spread}


def keep(run, *lines):
    actions.record_scores(run_id=run.pk, attempt=run.attempt, scores=lines)


def test_a_snapshot_of_outputs_holds_every_completion_of_the_project(project, annotator, outputs):
    labeling_actions.import_demonstration(prompt=make_prompt(project), author=annotator, text="Because.")
    make_ranking_task(labeling_actions.create_project(name="Other", creator=None))

    records = list(exports.completion_records(project))

    assert [record.completion for record in records] == ["a", "b", "Because."]
    assert [record.completion_id for record in records] == [
        str(completion.public_id) for completion in Completion.objects.filter(prompt__project=project)
    ]
    assert outputs.counts == {"completions": {"outputs": 2}}


def test_an_ensemble_is_read_from_all_its_directories(run, reward_models):
    launcher.write_directory(run)

    config = json.loads((run.directory / "config.json").read_text())
    assert config["reward_model"] == ",".join(str(version.directory) for version in reward_models)
    assert "policy" not in config
    assert [path.name for path in (run.directory / "snapshot").iterdir()] == ["completions.parquet"]


def test_scores_are_kept_once_with_their_spread(run, reward_models):
    one, two = Completion.objects.order_by("pk")

    keep(run, line(one))
    keep(run, line(one, score=9.0), line(two, score=-1.5, spread=None))

    assert list(Score.objects.order_by("pk").values_list("completion", "value", "spread")) == [
        (one.pk, 0.5, 0.1),
        (two.pk, -1.5, None),
    ]
    assert {score.model_version for score in Score.objects.all()} == {reward_models[0]}


def test_a_completion_that_is_gone_or_another_projects_gets_no_score(run):
    kept = Completion.objects.earliest("pk")
    deleted = labeling_actions.add_completion(prompt=kept.prompt, text="c")
    gone = line(deleted)
    deleted.delete()
    other = labeling_actions.create_project(name="Other", creator=None)
    foreign = labeling_actions.add_completion(prompt=make_prompt(other), text="x")

    keep(run, gone, line(foreign), line(kept))

    assert Score.objects.get().completion == kept


def test_whoever_was_superseded_keeps_nothing(run):
    Run.objects.filter(pk=run.pk).update(attempt=2)

    with pytest.raises(actions.Superseded):
        keep(run, line(Completion.objects.first()))

    assert not Score.objects.exists()


def test_an_ensemble_has_different_members_of_the_right_kind(project, reward_models, outputs, tmp_path):
    first = reward_models[0]
    policy = make_version(project, tmp_path / "policy")

    for ensemble, reason in [([first], "is another one"), ([policy], "cannot be the reward_model")]:
        with pytest.raises(DomainError, match=reason):
            actions.start_run(
                project=project,
                kind="score",
                inputs={"reward_model": first},
                ensemble=ensemble,
                snapshot=outputs,
                actor=None,
            )


def test_a_snapshot_without_outputs_cannot_be_scored(project, reward_models):
    make_prompt(project)
    record = make_snapshot(project, contents=["prompts"])

    with pytest.raises(DomainError, match="has no completions; take one that has"):
        actions.start_run(
            project=project,
            kind="score",
            inputs={"reward_model": reward_models[0]},
            snapshot=record,
            actor=None,
        )


def test_several_reward_models_are_ticked_in_the_form(client_for, engineer, project, reward_models, outputs):
    client = client_for(engineer)
    address = reverse("start-run", args=[project.public_id, "score"])

    shown = client.get(address).content.decode()
    chosen = [str(version.public_id) for version in reward_models[:2]]
    answer = client.post(address, {"reward_model": chosen, "snapshot": outputs.public_id})

    assert shown.count('type="checkbox" name="reward_model"') == 3
    assert f'value="{reward_models[-1].public_id}"' in shown and shown.count(" checked") == 1
    run = Run.objects.get()
    assert answer.headers["Location"] == reverse("run", args=[run.public_id])
    assert [i.model_version for i in run.inputs.all()] == reward_models[:2]
    clone = client.get(f"{address}?from={run.public_id}").content.decode()
    assert clone.count(" checked") == 2


def test_the_form_says_that_a_reward_model_must_be_chosen(client_for, engineer, project, outputs):
    address = reverse("start-run", args=[project.public_id, "score"])

    answer = client_for(engineer).post(address, {"snapshot": outputs.public_id})

    assert answer.status_code == 400
    assert "This field is required." in answer.content.decode()


def test_outputs_are_taken_from_the_page_and_by_the_command(client_for, engineer, project, outputs, capsys):
    client_for(engineer).post(reverse("take-snapshot", args=[project.public_id]), {"completions": ""})

    call_command("take_snapshot", contents=["completions"])

    assert [snapshot.contents for snapshot in project.snapshots.order_by("pk")] == [["completions"]] * 3


def test_a_score_run_makes_no_model(run):
    assert actions.finish_run(run_id=run.pk, attempt=1, result={"metrics": {"completions": 2}}) is None

    run.refresh_from_db()
    assert run.status == "succeeded"
    assert ModelVersion.objects.filter(run=run).count() == 0


def test_the_page_shows_what_stands_out(client_for, engineer, project, run):
    prompt = Completion.objects.earliest("pk").prompt
    outputs = [labeling_actions.add_completion(prompt=prompt, text=f"<b>output {n}</b>") for n in range(12)]
    keep(run, *(line(output, score=n / 10, spread=n % 3) for n, output in enumerate(outputs)))

    page = client_for(engineer).get(reverse("run", args=[run.public_id])).content.decode()
    shown = [page.partition(title)[2].partition("</section>")[0] for title in TITLES]

    found = [[n for n in range(12) if f"&lt;b&gt;output {n}&lt;" in part] for part in shown]
    assert found == [[7, 8, 9, 10, 11], [0, 1, 2, 3, 4], [1, 2, 5, 8, 11]]
    assert "no numbers" not in page


@pytest.mark.slow
def test_what_the_engine_scores_and_pretrains_is_kept(project, policy, reward_model, tiny_reward_model):
    second = actions.register_model(
        project=project, kind=ModelVersion.Kind.REWARD_MODEL, directory=tiny_reward_model
    )
    make_ranking_task(project, ["a fine text", "x", "y"])
    scored = actions.start_run(
        project=project,
        kind="score",
        inputs={"reward_model": reward_model},
        ensemble=[second],
        snapshot=make_snapshot(project, contents=["completions"]),
        config={"dtype": "float32"},
        actor=None,
    )
    texts = b"".join(json.dumps({"text": f"Text number {n}."}).encode() + b"\n" for n in range(40))
    corpus = actions.upload_corpus(project=project, user=None, name="", file_name="a.jsonl", chunks=[texts])
    actions.build_corpus(snapshot_id=corpus.pk)
    corpus.refresh_from_db()
    pretrained = actions.start_run(
        project=project,
        kind="pretrain",
        inputs={"policy": policy},
        corpus=corpus,
        config={"dtype": "float32", "tokens_per_step": 256},
        actor=None,
    )

    for run in (scored, pretrained):
        launcher.execute(run.pk)
        run.refresh_from_db()
        assert (run.status, run.error) == ("succeeded", "")

    assert Score.objects.filter(run=scored, spread=0.0).count() == 3
    assert len(set(Score.objects.values_list("value", flat=True))) == 3
    assert scored.result["metrics"]["completions"] == 3
    assert (pretrained.model_version.kind, pretrained.model_version.number) == ("base", 1)
    assert pretrained.result["metrics"]["documents"] == 38
