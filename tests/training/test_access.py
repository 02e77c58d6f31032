"""Who may open what: role × page, generated from the URLs so that a new page fails until it is listed."""

import pytest
from django.urls import reverse

from labeling.models import Project
from tests.making import make_prompt
from tests.training.making import make_sample_run, make_snapshot, make_version
from training import actions, urls
from training.models import ModelVersion, Run

PAGES = {
    "loop": ("GET", "project"),
    "start-stage": ("POST", "project"),
    "retrain-rule": ("POST", "project"),
    "cancel-chain": ("POST", "chain"),
    "runs": ("GET", "project"),
    "start-run": ("GET", "project"),
    "run": ("GET", "run"),
    "run-metrics": ("GET", "run"),
    "run-log": ("GET", "run"),
    "cancel-run": ("POST", "run"),
    "retry-run": ("POST", "run"),
    "compare-runs": ("GET", "project"),
    "compare-metrics": ("GET", "project"),
    "models": ("GET", "project"),
    "model": ("GET", "version"),
    "roll-back-model": ("POST", "version"),
    "promotions": ("GET", "project"),
    "try-models": ("GET", "project"),
    "trial": ("GET", "trial"),
    "cancel-trial": ("POST", "trial"),
    "promote-model": ("POST", "version"),
    "snapshots": ("GET", "project"),
    "take-snapshot": ("POST", "project"),
}


@pytest.fixture
def addresses(project, tmp_path):
    """Page → address, in a project that has one of everything."""
    make_prompt(project)
    version = make_version(project, tmp_path / "model")
    run = make_sample_run(version)
    run.directory.mkdir(parents=True, exist_ok=True)
    (run.directory / "log.txt").write_text("hello\n")
    chain = actions.start_chain(
        project=project, kinds=["ppo"], actor=None, snapshot=make_snapshot(project, contents=["prompts"])
    )
    subjects = {"project": project, "run": run, "version": version, "chain": chain}
    subjects["trial"] = actions.try_models(
        project=project,
        versions=[version, make_version(project, tmp_path / "other")],
        messages=[{"role": "user", "content": "Hello?"}],
        user=None,
    )
    of_a_kind = {"start-run", "start-stage"}
    return {
        name: reverse(name, args=[subjects[subject].public_id, *(["sample"] if name in of_a_kind else [])])
        for name, (_verb, subject) in PAGES.items()
    }


def ask(client, name, address):
    return client.post(address) if PAGES[name][0] == "POST" else client.get(address)


def test_every_page_is_in_the_table():
    assert {pattern.name for pattern in urls.urlpatterns} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("who", ["engineer", "manager"])
def test_engineers_and_managers_may(name, who, addresses, client_for, request):
    answer = ask(client_for(request.getfixturevalue(who)), name, addresses[name])

    assert answer.status_code in {200, 302}
    assert "/accounts/" not in answer.headers.get("Location", "")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("who", ["annotator", "outsider"])
def test_for_others_the_page_does_not_exist(name, who, addresses, client_for, request):
    before = state()

    assert ask(client_for(request.getfixturevalue(who)), name, addresses[name]).status_code == 404
    assert state() == before


@pytest.mark.parametrize("name", PAGES)
def test_an_engineer_of_another_project_sees_nothing(name, addresses, client_for, person):
    elsewhere = person("Eva", "engineer", project=Project.objects.create(name="Other"))

    assert ask(client_for(elsewhere), name, addresses[name]).status_code == 404


@pytest.mark.parametrize("name", PAGES)
def test_whoever_is_not_signed_in_is_asked_to(name, addresses, client):
    answer = ask(client, name, addresses[name])

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", [name for name, (verb, _subject) in PAGES.items() if verb == "POST"])
def test_what_changes_something_is_never_a_get(name, addresses, client_for, engineer):
    assert client_for(engineer).get(addresses[name]).status_code == 405


def state():
    return list(Run.objects.values_list("status", "cancel_requested_at")), list(
        ModelVersion.objects.values_list("is_promoted", flat=True)
    )
