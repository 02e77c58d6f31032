"""Signing in is slowed down by address and by account; the counters are in the real Redis."""

import time

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.conftest import PASSWORD

BY_ACCOUNT = {"login": "100/m/ip", "login_failed": "100/m/ip,2/2s/key"}
BY_ADDRESS = {"login": "100/m/ip", "login_failed": "2/m/ip,100/m/key"}


@pytest.fixture(autouse=True)
def _no_attempts_so_far():
    cache.clear()
    yield
    cache.clear()


def sign_in(email, password, address="203.0.113.7", **headers):
    data = {"login": email, "password": password}
    return Client(REMOTE_ADDR=address).post(reverse("account_login"), data, headers=headers)


def test_an_account_is_closed_for_a_while_after_failures_from_anywhere(settings, annotator):
    settings.ACCOUNT_RATE_LIMITS = BY_ACCOUNT | {"login_failed": "100/m/ip,2/5m/key"}
    for host in (1, 2):
        assert sign_in(annotator.email, "wrong", f"203.0.113.{host}").status_code == 200

    answer = sign_in(annotator.email.upper(), PASSWORD, "203.0.113.3")

    assert answer.status_code == 429
    assert 290 <= int(answer.headers["Retry-After"]) <= 300
    assert "Try again in 5 minutes" in answer.content.decode()


def test_another_account_is_not_closed_with_it(settings, annotator, manager):
    settings.ACCOUNT_RATE_LIMITS = BY_ACCOUNT | {"login_failed": "100/m/ip,2/5m/key"}
    for _attempt in range(3):
        sign_in(annotator.email, "wrong")

    assert sign_in(manager.email, PASSWORD).status_code == 302


def test_the_right_password_works_after_the_pause(settings, annotator):
    settings.ACCOUNT_RATE_LIMITS = BY_ACCOUNT
    sign_in(annotator.email, "wrong")
    sign_in(annotator.email, "wrong")
    refused = sign_in(annotator.email, PASSWORD)
    assert refused.status_code == 429

    time.sleep(int(refused.headers["Retry-After"]))

    assert sign_in(annotator.email, PASSWORD).status_code == 302


def test_an_unknown_account_is_closed_like_a_known_one(settings, db):
    settings.ACCOUNT_RATE_LIMITS = BY_ACCOUNT | {"login_failed": "100/m/ip,2/5m/key"}

    answers = [sign_in("nobody@example.org", "wrong").status_code for _attempt in range(3)]

    assert answers == [200, 200, 429]


def test_an_address_is_closed_after_failures_with_any_account(settings, annotator, manager):
    settings.ACCOUNT_RATE_LIMITS = BY_ADDRESS
    sign_in("one@example.org", "wrong")
    sign_in("two@example.org", "wrong")

    assert sign_in(annotator.email, PASSWORD).status_code == 429
    assert sign_in(annotator.email, PASSWORD, "203.0.113.8").status_code == 302


def test_signing_in_rightly_uses_nothing_up(settings, annotator):
    settings.ACCOUNT_RATE_LIMITS = BY_ADDRESS

    assert {sign_in(annotator.email, PASSWORD).status_code for _attempt in range(5)} == {302}


def test_asking_too_often_is_refused_whatever_the_password(settings, annotator):
    settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip", "login_failed": "100/m/ip"}
    sign_in(annotator.email, PASSWORD)
    sign_in(annotator.email, PASSWORD)

    answer = sign_in(annotator.email, PASSWORD)

    assert answer.status_code == 429
    assert 50 <= int(answer.headers["Retry-After"]) <= 60


def test_a_forged_header_is_no_new_address(settings, annotator):
    settings.ACCOUNT_RATE_LIMITS = BY_ADDRESS
    for host in (1, 2):
        sign_in("one@example.org", "wrong", X_Forwarded_For=f"198.51.100.{host}")

    assert sign_in(annotator.email, PASSWORD, X_Forwarded_For="198.51.100.3").status_code == 429


def test_behind_a_proxy_the_hop_it_wrote_counts_and_not_what_the_client_wrote(settings, annotator):
    settings.ACCOUNT_RATE_LIMITS = BY_ADDRESS
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for forged in (1, 2):
        sign_in("one@example.org", "wrong", X_Forwarded_For=f"192.0.2.{forged}, 198.51.100.1")

    assert sign_in(annotator.email, PASSWORD, X_Forwarded_For="192.0.2.3, 198.51.100.1").status_code == 429
    assert sign_in(annotator.email, PASSWORD, X_Forwarded_For="192.0.2.3, 198.51.100.2").status_code == 302


def test_the_limits_of_the_site_close_an_account_after_five_failures(annotator):
    for _attempt in range(5):
        assert sign_in(annotator.email, "wrong").status_code == 200

    assert sign_in(annotator.email, PASSWORD).status_code == 429
