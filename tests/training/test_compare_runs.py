"""Runs of one kind laid over each other: what may be chosen, what is drawn, what differs."""

import pytest
from django.urls import reverse

from labeling.models import Project
from tests.making import make_prompt
from tests.training.making import make_claimed_run, make_version
from training import actions
from training.models import Metric, Run


@pytest.fixture
def model(project, tmp_path):
    make_prompt(project)
    return make_version(project, tmp_path / "policy")


@pytest.fixture
def client(client_for, engineer):
    return client_for(engineer)


@pytest.fixture
def make_run(model):
    def make(*, kind="sample", **config):
        run = make_claimed_run(model, config=config)
        Run.objects.filter(pk=run.pk).update(kind=kind)
        for step in (1, 2, 3):
            Metric.objects.create(run=run, attempt=1, step=step, name="train/score", value=step * run.pk)
        Metric.objects.create(run=run, attempt=1, step=1, name="valid/score", value=0.5)
        run.refresh_from_db()
        return run

    return make


def address(project, *runs, name="compare-runs"):
    return reverse(name, args=[project.public_id]) + "?" + "&".join(f"run={run.public_id}" for run in runs)


def test_each_measure_and_split_is_a_chart_with_a_line_per_run(client, project, make_run):
    one, two = make_run(), make_run()

    charts = client.get(address(project, one, two, name="compare-metrics")).json()["curves"]

    assert [chart["measure"] for chart in charts] == ["train/score", "valid/score"]
    assert [chart["title"] for chart in charts] == [
        "Score by the reward model, train",
        "Score by the reward model, valid",
    ]
    assert charts[0]["lines"] == [
        {"name": str(run), "points": [[step, step * run.pk] for step in (1, 2, 3)]} for run in (one, two)
    ]


def test_the_page_holds_a_table_behind_each_chart(client, project, make_run):
    one, two = make_run(), make_run()

    page = client.get(address(project, one, two)).content.decode()

    assert page.count("<canvas") == 3  # two charts and the template
    assert f'<td class="number">{3 * one.pk}</td><td class="number">{3 * two.pk}</td>' in page


def test_only_what_differs_is_listed(client, project, make_run):
    one, two = make_run(temperature=0.3, seed=1), make_run(temperature=0.9, seed=1)

    assert client.get(address(project, one, two)).context["differences"] == [("temperature", [0.3, 0.9])]


def test_runs_of_the_kind_that_have_begun_are_offered(client, project, make_run, model):
    mine, other_kind = make_run(), make_run(kind="ppo")
    waiting = actions.start_run(project=project, kind="sample", inputs={"policy": model}, actor=None)

    page = client.get(address(project, mine)).content.decode()

    assert f'value="{mine.public_id}" checked' in page
    assert str(other_kind.public_id) not in page
    assert str(waiting.public_id) not in page
    assert "Choose at least two." in page


def test_the_kind_with_the_most_runs_is_offered_first(client, project, make_run):
    make_run(kind="ppo")
    reward_models = make_run(kind="reward_model"), make_run(kind="reward_model")

    page = client.get(reverse("compare-runs", args=[project.public_id])).content.decode()

    assert all(str(run.public_id) in page for run in reward_models)


def test_runs_of_two_kinds_are_refused(client, project, make_run):
    runs = make_run(), make_run(kind="ppo")

    assert client.get(address(project, *runs)).status_code == 400
    assert client.get(address(project, *runs, name="compare-metrics")).status_code == 400


def test_more_than_six_are_refused(client, project, make_run):
    answer = client.get(address(project, *(make_run() for _ in range(7))))

    assert answer.status_code == 400
    assert "at most 6 runs" in answer.content.decode()


def test_another_projects_run_and_nonsense_are_not_there(client, project, make_run, tmp_path):
    other = Project.objects.create(name="Other")
    make_prompt(other)
    theirs = make_claimed_run(make_version(other, tmp_path / "theirs"))

    assert client.get(address(project, make_run(), theirs)).status_code == 404
    nonsense = reverse("compare-runs", args=[project.public_id]) + "?run=nonsense"
    assert client.get(nonsense).status_code == 404
    unknown_kind = reverse("compare-runs", args=[project.public_id]) + "?kind=dpo"
    assert client.get(unknown_kind).status_code == 404


def test_without_runs_the_page_says_what_to_do(client, project):
    page = client.get(reverse("compare-runs", args=[project.public_id]) + "?kind=ppo").content.decode()

    assert "No run of this kind has begun yet" in page
    assert reverse("start-run", args=[project.public_id, "ppo"]) in page
