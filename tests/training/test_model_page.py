"""The page of one version: where it comes from, what came of it, who judged for it; and the way back."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.making import make_prompt
from tests.training.making import (
    make_model_directory,
    make_promoted,
    make_ranking,
    make_snapshot,
    make_version,
)
from training import actions, queries
from training.models import Promotion, Run

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def base(project, tmp_path):
    make_prompt(project)
    return make_promoted(make_version(project, tmp_path / "v0"))


@pytest.fixture
def client(client_for, engineer):
    return client_for(engineer)


def text(answer):
    return answer.content.decode()


def page_of(client, version):
    return client.get(reverse("model", args=[version.public_id]))


def trained(project, kind, inputs, snapshot, metrics=None):
    """What a run of this kind made of these inputs."""
    run = actions.start_run(project=project, kind=kind, inputs=inputs, snapshot=snapshot, actor=None)
    actions.claim_run(run_id=run.pk, node="node-1")
    make_model_directory(run.directory / "model")
    return actions.finish_run(
        run_id=run.pk, attempt=1, result={"model": "model", "metrics": metrics or {"steps": 1}}
    )


@pytest.fixture
def reward_model(project, base, annotator, second_annotator):
    """Trained on two rankings of Ada and one of Ben, measured on one of Ben."""
    make_ranking(annotator, project)
    make_ranking(annotator, project)
    make_ranking(second_annotator, project)
    make_ranking(second_annotator, project, split="valid")
    snapshot = make_snapshot(project)
    make_ranking(annotator, project)  # too late for the snapshot
    return trained(
        project,
        "reward_model",
        {"policy": base},
        snapshot,
        {"valid_accuracy": 0.655, "valid_accuracy_low": 0.58, "valid_accuracy_high": 0.721, "valid_pairs": 6},
    )


def test_figures_come_with_interval_and_n(client, reward_model):
    page = text(page_of(client, reward_model))

    assert '<dd>65.5 %</dd><dd class="muted">[58.0, 72.1], 6 pairs</dd>' in page


def test_the_judgments_that_made_it_are_counted_with_their_annotators(client, reward_model):
    lineage = queries.lineage_of(reward_model)

    assert (lineage.submissions, lineage.annotators, lineage.simulated) == (4, 2, 0)
    assert [(j.kind, j.trained_on, j.measured_on, j.annotators) for j in lineage.judgments] == [
        ("rankings", 3, 1, 2)
    ]
    assert "4 judgments" in text(page_of(client, reward_model))


def test_a_policy_inherits_the_judgments_of_its_reward_model(client, project, base, reward_model):
    snapshot = make_snapshot(project, contents=["prompts"])
    policy = trained(project, "ppo", {"policy": base, "reward_model": reward_model}, snapshot)

    answer = page_of(client, policy)

    lineage = answer.context["lineage"]
    assert set(lineage.ancestry) == {policy, base, reward_model}
    assert (lineage.submissions, lineage.annotators) == (4, 2)
    assert [j.version for j in lineage.judgments] == [reward_model]
    for parent in (base, reward_model):
        assert reverse("model", args=[parent.public_id]) in text(answer)


def test_parents_name_their_children(client, project, base, reward_model):
    page = page_of(client, base)

    assert list(page.context["children"]) == [reward_model]
    assert reverse("model", args=[reward_model.public_id]) in text(page)


def test_a_registered_version_says_that_nothing_was_judged_for_it(client, base):
    assert "None: nothing that it came from" in text(page_of(client, base))


def test_a_reward_model_is_neither_promoted_nor_tried(client, project, reward_model):
    page = text(page_of(client, reward_model))

    assert reverse("promote-model", args=[reward_model.public_id]) not in page
    assert reverse("try-models", args=[project.public_id]) not in page


def test_the_page_costs_the_same_whatever_came_of_it(client, project, base, tmp_path):
    def queries_asked():
        with CaptureQueriesContext(connection) as asked:
            assert page_of(client, base).status_code == 200
        return len(asked)

    snapshot = make_snapshot(project, contents=["prompts"])
    judge = make_version(project, tmp_path / "judge", kind="reward_model")

    def add():
        child = trained(project, "ppo", {"policy": base, "reward_model": judge}, snapshot)
        Promotion.objects.create(project=project, from_version=base, to_version=child, note="n")

    add()
    one = queries_asked()
    for _ in range(5):
        add()
    assert queries_asked() == one


# --- back


@pytest.fixture
def new(project, base, tmp_path, engineer):
    version = make_version(project, tmp_path / "v1")
    actions.promote_model(project=project, version=version, user=engineer, note=f"better {HOSTILE}")
    return version


def test_one_button_says_what_it_goes_back_to(client, project, base, new):
    for address in (reverse("models", args=[project.public_id]), reverse("model", args=[new.public_id])):
        page = text(client.get(address))
        assert "Roll back to policy v0" in page
        assert reverse("roll-back-model", args=[base.public_id]) in page


def test_the_button_goes_back_and_samples_again(client, project, base, new, engineer):
    answer = client.post(reverse("roll-back-model", args=[base.public_id]))

    run = Run.objects.latest("pk")
    assert answer.headers["Location"] == reverse("run", args=[run.public_id])
    assert queries.promoted_version(project) == base
    assert (run.kind, run.status, run.inputs.get().model_version) == ("sample", "queued", base)
    assert Promotion.objects.latest("pk").user == engineer


def test_a_second_press_goes_back_no_further_and_says_so(client, project, base, new):
    for _ in range(2):
        answer = client.post(reverse("roll-back-model", args=[base.public_id]), follow=True)

    assert "is not the policy before the promoted one any more" in text(answer)
    assert queries.promoted_version(project) == base


def test_the_history_says_who_when_from_to_and_why(client, project, base, new, engineer):
    client.post(reverse("roll-back-model", args=[base.public_id]))

    page = text(client.get(reverse("promotions", args=[project.public_id])))

    assert str(engineer) in page
    assert "&lt;script&gt;" in page and HOSTILE not in page
    assert page.count("rolled back") == 1


def test_no_promotion_yet_says_what_one_is(client, project):
    assert "Nothing was promoted yet" in text(client.get(reverse("promotions", args=[project.public_id])))
