"""Where somebody is signed in: listed, ended one by one or all others, and by a new password."""

import re
import time
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labeling import sessions
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Mobile Safari/604.1"
PAGE = "/accounts/sessions/"


@pytest.fixture(autouse=True)
def _no_attempts_so_far():
    cache.clear()
    yield
    cache.clear()


def signed_in(user, browser=FIREFOX, address="203.0.113.7"):
    client = Client(REMOTE_ADDR=address, headers={"User-Agent": browser})
    assert (
        client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD}).status_code == 302
    )
    return client


def marks(client):
    return re.findall(r'name="session" value="(\w+)"', client.get(PAGE).content.decode())


def is_in(client):
    return client.get("/").status_code == 200


def test_sessions_are_listed_with_browser_and_address_and_without_their_keys(annotator, manager):
    here, there = signed_in(annotator), signed_in(annotator, PHONE, "198.51.100.4")
    signed_in(manager, address="192.0.2.1")

    shown = here.get(PAGE).content.decode()

    assert "Firefox · Linux" in shown and "Safari · iPhone" in shown
    assert "203.0.113.7" in shown and "198.51.100.4" in shown and "192.0.2.1" not in shown
    assert shown.count("this one") == 1
    assert there.session.session_key not in shown and here.session.session_key not in shown


def test_one_is_ended_and_the_others_stay(annotator):
    here, there = signed_in(annotator), signed_in(annotator, PHONE)
    third = signed_in(annotator, "curl/8.0")
    mark = sessions.mark_of(there.session.session_key)
    assert mark in marks(here)

    answer = here.post(reverse("end-session"), {"session": mark}, follow=True)

    assert "That session is over" in answer.content.decode()
    assert [is_in(client) for client in (here, there, third)] == [True, False, True]
    assert UserSession.objects.count() == 2


def test_nobody_ends_a_session_of_somebody_else_or_their_own_current_one(annotator, manager):
    ada, mia = signed_in(annotator), signed_in(manager)

    for whose in (mia, ada):
        mark = sessions.mark_of(whose.session.session_key)
        assert ada.post(reverse("end-session"), {"session": mark}).status_code == 404
    assert is_in(mia) and is_in(ada)


def test_all_others_are_ended_at_once(annotator):
    here, *others = (signed_in(annotator, browser) for browser in (FIREFOX, PHONE, "curl/8.0"))

    here.post(PAGE)

    assert [is_in(client) for client in (here, *others)] == [True, False, False]
    assert marks(here) == []


def test_a_new_password_ends_the_others(annotator):
    here, there = signed_in(annotator), signed_in(annotator, PHONE)

    here.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": "another passphrase", "password2": "another passphrase"},
    )

    assert [is_in(here), is_in(there)] == [True, False]
    shown = here.get(PAGE).content.decode()
    assert "this one" in shown and "Safari · iPhone" not in shown


def test_when_a_session_was_last_seen_is_written_every_few_minutes_and_not_with_each_request(annotator):
    client = signed_in(annotator)
    long_ago = timezone.now() - timedelta(days=1)
    UserSession.objects.update(last_seen_at=long_ago)

    client.get("/")
    assert UserSession.objects.get().last_seen_at == long_ago

    session = client.session
    session[sessions.SEEN] = time.time() - sessions.EVERY - 1
    session.save()
    client.get("/")
    assert UserSession.objects.get().last_seen_at > timezone.now() - timedelta(minutes=1)
    assert client.session[sessions.SEEN] > time.time() - 60


def test_a_session_that_began_without_signing_in_has_no_row(annotator, client_for):
    client = client_for(annotator)
    client.get("/")

    assert not UserSession.objects.exists()


@pytest.mark.parametrize(
    "user_agent, name",
    [
        (FIREFOX, "Firefox · Linux"),
        (PHONE, "Safari · iPhone"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge · Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
            "Chrome · Android",
        ),
        ("<script>" + "x" * 200, "<script>" + "x" * 52),
    ],
)
def test_browsers_are_called_by_their_names(user_agent, name):
    assert sessions.browser_of(user_agent) == name
