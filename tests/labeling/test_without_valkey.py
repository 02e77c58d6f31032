"""Valkey does not answer: whoever is signed in works on, whoever wants to sign in is told to try again."""

import pytest
from django.urls import reverse

from labeling import actions
from tests.conftest import PASSWORD
from tests.making import make_ranking_task

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_listens(settings):
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_signing_in_says_to_try_again(client, annotator, password):
    answer = client.post(reverse("account_login"), {"login": annotator.email, "password": password})

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "Try again in a moment" in answer.content.decode()
    assert client.get("/").status_code == 302


def test_the_pages_to_sign_in_and_of_a_forgotten_password_are_there(client):
    assert client.get(reverse("account_login")).status_code == 200
    assert client.get(reverse("account_reset_password")).status_code == 200


def test_a_forgotten_password_and_an_invitation_say_to_try_again(client, project, manager):
    made = actions.invite(project=project, actor=manager, roles=["annotator"])

    assert client.post(reverse("account_reset_password"), {"email": "a@example.org"}).status_code == 503
    assert client.get(reverse("invitation", args=[made.key])).status_code == 503


def test_whoever_is_signed_in_works_on(client_for, annotator, project):
    make_ranking_task(project)
    client = client_for(annotator)

    task = client.post(reverse("next-task", args=[project.public_id, "rank"]))

    assert client.get("/").status_code == 200
    assert client.get(task.headers["Location"]).status_code == 200
