"""The same request sent again is done once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, connections, transaction

from labeling import actions
from labeling.actions import idempotency
from labeling.models import Assignment, IdempotentRequest, Submission
from labeling.tasks import forget_answers
from tests.api import Api, api_for, assert_problem
from tests.making import make_ranking_task
from training.models import Snapshot


def claims(project):
    return f"projects/{project.public_id}/assignments/"


@pytest.fixture
def assignment(annotator, project):
    make_ranking_task(project)
    return api_for(annotator).post(claims(project), {"kind": "rank"}).data


def test_a_repeated_submission_is_one_and_answered_alike(annotator, assignment):
    api = api_for(annotator)
    path, body = f"assignments/{assignment['id']}/submit/", {"places": [1, 2, 3, 4]}

    first = api.post(path, body, Idempotency_Key="k-1")
    again = api.post(path, body, Idempotency_Key="k-1")

    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert Submission.objects.count() == 1


def test_the_next_task_is_claimed_anew_and_is_the_one_that_is_open(annotator, project, assignment):
    api = api_for(annotator)
    make_ranking_task(project)
    path, body = f"assignments/{assignment['id']}/submit/", {"places": [1, 2, 3, 4], "next": True}

    first = api.post(path, body, Idempotency_Key="k-1")
    again = api.post(path, body, Idempotency_Key="k-1")

    assert (again.data["id"], again.data["next"]["id"]) == (first.data["id"], first.data["next"]["id"])
    assert Assignment.objects.count() == 2
    assert "next" not in IdempotentRequest.objects.get(key="k-1").body


def test_who_is_kept_out_by_now_still_gets_the_kept_answer_and_no_task(annotator, project, assignment):
    api = api_for(annotator)
    make_ranking_task(project)
    path, body = f"assignments/{assignment['id']}/submit/", {"places": [1, 2, 3, 4], "next": True}
    first = api.post(path, body, Idempotency_Key="k-1")
    project.memberships.filter(user=annotator).delete()

    again = api.post(path, body, Idempotency_Key="k-1")

    assert (again.status_code, again.data["id"], again.data["next"]) == (201, first.data["id"], None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "k-1"}])
def test_no_claim_that_fails_takes_a_submission_back(annotator, project, assignment, monkeypatch, headers):
    def fail(**_of_claim):
        assert not connection.in_atomic_block
        raise OperationalError("deadlock detected")

    monkeypatch.setattr(actions, "claim_task", fail)
    path, body = f"assignments/{assignment['id']}/submit/", {"places": [1, 2, 3, 4], "next": True}

    sent = api_for(annotator).post(path, body, **headers)

    assert (sent.status_code, sent.data["next"]) == (201, None)
    assert Submission.objects.count() == 1


def test_without_a_key_a_second_submission_is_a_revision(annotator, assignment):
    api = api_for(annotator)
    path, body = f"assignments/{assignment['id']}/submit/", {"places": [1, 2, 3, 4]}

    assert [api.post(path, body).data["revision"] for _ in range(2)] == [1, 2]


def test_an_empty_answer_is_replayed_empty(annotator, assignment):
    api = api_for(annotator)
    path = f"assignments/{assignment['id']}/skip/"

    answers = [api.post(path, Idempotency_Key="k") for _ in range(2)]

    assert [(a.status_code, a.content) for a in answers] == [(204, b"")] * 2


def test_the_same_key_for_another_request_is_refused(annotator, assignment, project):
    api = api_for(annotator)
    path = f"assignments/{assignment['id']}/submit/"
    api.post(path, {"places": [1, 2, 3, 4]}, Idempotency_Key="k")

    assert_problem(
        api.post(path, {"places": [4, 3, 2, 1]}, Idempotency_Key="k"), 422, "idempotency_key_reused"
    )
    assert_problem(
        api.post(claims(project), {"kind": "rank"}, Idempotency_Key="k"), 422, "idempotency_key_reused"
    )
    assert Submission.objects.count() == 1


def test_a_refusal_is_not_kept_so_the_key_may_be_tried_again(annotator, assignment):
    api = api_for(annotator)
    path = f"assignments/{assignment['id']}/submit/"

    assert_problem(api.post(path, {"places": [1]}, Idempotency_Key="k"), 400, "bad_ranking")
    assert not IdempotentRequest.objects.exists()
    assert api.post(path, {"places": [1, 2, 3, 4]}, Idempotency_Key="k").status_code == 201


def test_keys_of_two_people_are_two_keys(annotator, second_annotator, project):
    make_ranking_task(project)
    make_ranking_task(project)
    claim = [
        api_for(who).post(claims(project), {"kind": "rank"}, Idempotency_Key="k").data["id"]
        for who in (annotator, second_annotator)
    ]

    assert claim[0] != claim[1]


@pytest.mark.parametrize("key", ["", "two words", "é", "x" * 256])
def test_a_key_that_is_none_is_refused(key, annotator, project):
    answer = api_for(annotator).post(claims(project), {"kind": "rank"}, Idempotency_Key=key)

    assert_problem(answer, 400, "bad_idempotency_key")


def test_after_a_day_answers_are_forgotten(annotator, assignment, project):
    api_for(annotator).post(claims(project), {"kind": "rank"}, Idempotency_Key="new")
    api_for(annotator).post(claims(project), {"kind": "rank"}, Idempotency_Key="old")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE labeling_idempotentrequest SET created_at = now() - '25h'::interval WHERE key = 'old'"
        )

    forget_answers()

    assert list(IdempotentRequest.objects.values_list("key", flat=True)) == ["new"]


@pytest.mark.django_db(transaction=True)
def test_of_twelve_at_once_one_works_and_all_get_its_answer(engineer, project):
    from tests.making import make_prompt

    make_prompt(project)
    key = api_for(engineer).key
    start = threading.Barrier(12)

    def take(_n):
        start.wait()
        try:
            return Api(key).post(
                f"projects/{project.public_id}/snapshots/", {"contents": ["prompts"]}, Idempotency_Key="k"
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(take, range(12)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 11
    assert Snapshot.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_duplicate_that_waits_too_long_is_told_to_ask_again(annotator, project, monkeypatch):
    monkeypatch.setattr(idempotency, "LONGEST_WAIT", "200ms")
    make_ranking_task(project)
    key = api_for(annotator).key
    begun, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            idempotency.begin_request(user=annotator, key="k", fingerprint="f")
            begun.set()
            done.wait(10)
        connections.close_all()

    first = threading.Thread(target=hold)
    first.start()
    begun.wait(10)
    asked = time.monotonic()
    answer = Api(key).post(claims(project), {"kind": "rank"}, Idempotency_Key="k")
    waited = time.monotonic() - asked
    done.set()
    first.join()

    assert_problem(answer, 409, "request_in_progress")
    assert 0.2 <= waited < 5
    assert not Assignment.objects.exists()
