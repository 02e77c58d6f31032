from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from labeling import actions
from labeling.models import Assignment, Submission
from tests.making import make_demonstration_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def assignment(project, annotator):
    """Claimed ten minutes ago."""
    make_demonstration_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="demonstrate")
    Assignment.objects.update(claimed_at=Now() - timedelta(minutes=10))
    return assignment


def count(assignment, seconds):
    return actions.count_active(assignment=assignment, seconds=seconds)


def submit(assignment, seconds, key="k"):
    return actions.submit_demonstration(
        assignment=assignment, text=key, idempotency_key=key, active_seconds=seconds
    )


def test_parts_add_up_and_go_with_the_submission(assignment):
    count(assignment, 30)
    count(assignment, 40)

    assert submit(assignment, 5).active_seconds == 75


def test_it_is_never_more_than_the_time_since_the_claim(assignment):
    assert count(assignment, 400) == 400
    assert 600 <= count(assignment, 400) <= 602


def test_asking_often_adds_nothing(assignment):
    count(assignment, 86_400)

    for _ in range(20):
        count(assignment, 1)

    assert Assignment.objects.get().active_seconds <= 602


def test_a_revision_counts_its_own_time(assignment):
    submit(assignment, 100)
    Assignment.objects.update(active_counted_at=Now() - timedelta(seconds=60))

    assert submit(assignment, 20, key="again").active_seconds == 20


def test_time_before_a_lease_that_ended_is_not_there_to_be_counted(assignment, annotator, project):
    count(assignment, 60)
    Assignment.objects.update(lease_until=Now() - timedelta(seconds=1))

    again = actions.claim_task(user=annotator, project=project, kind="demonstrate")

    assert again == assignment
    assert count(again, 500) <= 62


def test_without_any_measure_it_is_unknown(assignment):
    assert submit(assignment, None).active_seconds is None


def test_the_page_sends_it_with_its_drafts(client_for, annotator, assignment):
    client = client_for(annotator)
    address = reverse("draft", args=[assignment.public_id])

    client.post(
        address, {"draft": {"text": "A"}, "version": 0, "active": 12}, content_type="application/json"
    )
    client.post(address, {"version": 1, "active": 8}, content_type="application/json")
    client.post(
        reverse("submit", args=[assignment.public_id]),
        {"text": "A.", "idempotency_key": "k", "active_seconds": "5"},
    )

    assert Submission.objects.get().active_seconds == 25


@pytest.mark.parametrize("active", ["x", None, [], 1e400])
def test_a_time_that_is_none_saves_nothing(client_for, annotator, assignment, active):
    body = f'{{"version": 0, "draft": {{"text": "A"}}, "active": {active!r}}}'.replace("'", '"')
    body = body.replace("None", "null").replace("inf", "1e999")

    answer = client_for(annotator).post(
        reverse("draft", args=[assignment.public_id]), body, content_type="application/json"
    )

    assert answer.status_code == 400
    assert Assignment.objects.get().draft == {}
