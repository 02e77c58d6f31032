"""Whoever asks too often is told when to come back."""

import itertools

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisIsAway
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from labeling.api import throttles
from tests.api import Api, api_for, assert_problem


@pytest.fixture(autouse=True)
def _one_minute(monkeypatch):
    """The clock stands, so that no minute ends within a test."""
    monkeypatch.setattr(throttles.time, "time", lambda: 1_800_000_015.0)
    monkeypatch.setattr(throttles, "_uncounted", throttles._Uncounted())
    cache.clear()


def test_a_token_has_so_many_requests_a_minute_whatever_the_address(annotator, second_annotator, settings):
    settings.API_TOKEN_REQUESTS_PER_MINUTE = 3
    api = api_for(annotator)

    assert [Api(api.key).get("projects/").status_code for _ in range(3)] == [200] * 3
    refused = Api(api.key).get("projects/")

    assert_problem(refused, 429, "throttled")
    assert refused.headers["Retry-After"] == "46"
    assert api_for(second_annotator).get("projects/").status_code == 200


def test_a_new_minute_begins_anew(annotator, settings, monkeypatch):
    settings.API_TOKEN_REQUESTS_PER_MINUTE = 1
    api = api_for(annotator)
    api.get("projects/")
    assert api.get("projects/").status_code == 429

    monkeypatch.setattr(throttles.time, "time", lambda: 1_800_000_015.0 + 46)

    assert api.get("projects/").status_code == 200


@pytest.mark.parametrize("processes", [1, 3])
def test_far_from_the_limit_requests_are_counted_together_and_at_the_limit_one_by_one(
    processes, settings, monkeypatch
):
    settings.API_ADDRESS_REQUESTS_PER_MINUTE, settings.API_TOKEN_REQUESTS_PER_MINUTE = 10_000, 600
    rounds = []
    count = throttles._count()
    monkeypatch.setattr(throttles, "_count", lambda: lambda **asked: rounds.append(asked) or count(**asked))
    each_has = itertools.cycle(throttles._Uncounted() for _ in range(processes))
    request = Request(APIRequestFactory().get("/", headers={"Authorization": "Bearer prc_counted"}))

    def passes():
        monkeypatch.setattr(throttles, "_uncounted", next(each_has))
        try:
            throttles.check(request)
        except Throttled:
            return False
        return True

    passed = sum(itertools.takewhile(bool, (passes() for _ in range(1000))))

    # One process refuses the 601st; others have let a sixty-fourth of the limit through by then, each.
    assert 600 <= passed <= 600 * (1 + (processes - 1) / 64)
    assert len(rounds) < passed / 2


@pytest.mark.parametrize("path", ["projects/", "schema/", "nothing/"])
def test_an_address_that_guesses_is_stopped_before_its_token_is_looked_at(
    path, db, settings, django_assert_num_queries
):
    settings.API_ADDRESS_REQUESTS_PER_MINUTE = 2
    api = Api("prc_guess")
    for _ in range(2):
        assert api.get(path).status_code in {401, 404}

    with django_assert_num_queries(0):
        assert_problem(api.get(path), 429, "throttled")


def test_an_address_is_what_the_trusted_proxies_say(annotator, settings, monkeypatch):
    settings.API_ADDRESS_REQUESTS_PER_MINUTE = 1
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": 1}
    client = api_for(annotator).client

    def ask(forwarded):
        return client.get("/api/v1/projects/", headers={"X-Forwarded-For": forwarded}).status_code

    assert [ask("9.9.9.9, 1.1.1.1"), ask("9.9.9.9, 2.2.2.2"), ask("8.8.8.8, 1.1.1.1")] == [200, 200, 429]


def test_without_redis_people_work_on(annotator, monkeypatch):
    def away(*_args, **_options):
        raise RedisIsAway("no route")

    monkeypatch.setattr(throttles, "_count", away)

    assert api_for(annotator).get("projects/").status_code == 200


def test_a_body_beyond_the_limit_is_refused(annotator, project, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    answer = api_for(annotator).post(f"projects/{project.public_id}/assignments/", {"kind": "x" * 2000})

    assert_problem(answer, 413, "too_large")


def test_a_body_that_is_no_json_is_refused(annotator, project):
    api = api_for(annotator)
    path = f"/api/v1/projects/{project.public_id}/assignments/"

    form = api.client.post(path, {"kind": "rank"})
    broken = api.client.generic("POST", path, b'{"kind": ', content_type="application/json")

    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")
    assert (broken.status_code, broken.json()["code"]) == (400, "parse_error")
