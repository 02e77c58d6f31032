"""Trying two versions on a prompt of one's own: the form, the page while they work, the answers."""

import pytest
from django.urls import reverse

from tests.training.making import make_promoted, make_version
from tests.training.test_trials import answer_of
from training import actions
from training.models import Run, Trial
from training.trial_form import turns

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def first(project, tmp_path):
    return make_promoted(make_version(project, tmp_path / "v0"))


@pytest.fixture
def second(project, tmp_path):
    return make_version(project, tmp_path / "v1")


@pytest.fixture
def client(client_for, engineer):
    return client_for(engineer)


@pytest.fixture
def address(project):
    return reverse("try-models", args=[project.public_id])


def entry(first, second, prompt="Hello?", **fields):
    return {"first": first.public_id, "second": second.public_id, "prompt": prompt, **fields}


def show(client, trial, **headers):
    return client.get(reverse("trial", args=[trial.public_id]), headers=headers).content.decode()


def test_the_form_offers_the_candidate_against_the_promoted_one(client, address, first, second):
    form = client.get(address).context["form"]

    assert (form["first"].value(), form["second"].value()) == (second.public_id, first.public_id)


def test_the_form_starts_a_trial(client, address, first, second, engineer):
    answer = client.post(address, entry(first, second, temperature="0.2", max_new_tokens="16"))

    trial = Trial.objects.get()
    assert answer.headers["Location"] == reverse("trial", args=[trial.public_id])
    assert (trial.created_by, trial.messages) == (engineer, [{"role": "user", "content": "Hello?"}])
    assert {(r.config["temperature"], r.config["max_new_tokens"]) for r in Run.objects.all()} == {(0.2, 16)}


def test_what_is_refused_is_told_at_its_field_and_the_entry_stays(client, address, first, second):
    same = client.post(address, entry(first, first, "Keep this."))
    unfinished = client.post(address, entry(first, second, "User: Hi.\nAssistant: Hello."))

    assert (same.status_code, unfinished.status_code) == (400, 400)
    assert "Choose two different models." in same.context["form"].errors["second"]
    assert "Keep this." in same.content.decode()
    assert "ends with a turn of the user" in unfinished.context["form"].errors["prompt"][0]
    assert not Trial.objects.exists()


def test_a_reward_model_or_a_foreign_version_cannot_be_chosen(client, address, project, first, tmp_path):
    judge = make_version(project, tmp_path / "judge", kind="reward_model")

    answer = client.post(address, entry(first, judge))

    assert answer.status_code == 400
    assert "second" in answer.context["form"].errors


def test_the_page_follows_until_both_have_answered(client, project, first, second):
    trial = actions.try_models(
        project=project,
        versions=[first, second],
        messages=[{"role": "user", "content": HOSTILE}],
        user=None,
    )
    assert 'hx-trigger="every 1s"' in show(client, trial)
    assert HOSTILE not in show(client, trial)

    one, two = trial.answers.all()
    answer_of(one.run, f"Left says {HOSTILE}")
    answer_of(two.run, "Right.")
    for run in (one.run, two.run):
        actions.finish_run(run_id=run.pk, attempt=1, result={"metrics": {}})
    fragment = show(client, trial, **{"HX-Request": "true"})

    assert fragment.startswith('<div id="answers"')
    assert "every 1s" not in fragment
    assert HOSTILE not in fragment
    assert fragment.index("Left says") < fragment.index("Right.")
    assert fragment.count("3 tokens") == 2
    assert "1 word " in fragment
    assert "ended by itself" in fragment


def test_a_failed_side_says_why_and_the_other_stands(client, project, first, second):
    trial = actions.try_models(
        project=project, versions=[first, second], messages=[{"role": "user", "content": "Hi"}], user=None
    )
    one, two = trial.answers.all()
    claimed = actions.claim_run(run_id=one.run.pk, node="node-1")
    actions.fail_run(run_id=claimed.pk, attempt=1, exit_code=1, error="No memory.")
    answer_of(two.run, "Right.")

    page = show(client, trial)

    assert "No memory." in page
    assert "Right." in page


def test_the_button_cancels_both(client, project, first, second):
    trial = actions.try_models(
        project=project, versions=[first, second], messages=[{"role": "user", "content": "Hi"}], user=None
    )

    client.post(reverse("cancel-trial", args=[trial.public_id]))

    assert set(Run.objects.values_list("status", flat=True)) == {"cancelled"}
    assert show(client, trial).count("Cancelled before it answered.") == 2


@pytest.mark.parametrize(
    "written, expected",
    [
        (" Hello? ", [("user", "Hello?")]),
        ("Note: this\nUser: is one turn", [("user", "Note: this\nUser: is one turn")]),
        (
            "System: Be brief.\nUser: Hi.\nassistant: Hello.\nIndeed.\nUSER: Why?",
            [("system", "Be brief."), ("user", "Hi."), ("assistant", "Hello.\nIndeed."), ("user", "Why?")],
        ),
    ],
)
def test_a_text_becomes_a_conversation(written, expected):
    assert [(turn["role"], turn["content"]) for turn in turns(written)] == expected
