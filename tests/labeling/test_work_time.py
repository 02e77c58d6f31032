"""Where time at work goes: into the quarter of an hour in which it was counted, whatever came of the task."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.db.models import Sum
from django.db.models.functions import Now
from django.urls import reverse

from labeling import actions, history_queries
from labeling.models import Assignment, Review, Submission, WorkTime
from tests.conftest import BASE_DIR
from tests.labeling import at_work
from tests.making import make_demonstration_task

MIGRATIONS = BASE_DIR / "labeling" / "migrations"

pytestmark = pytest.mark.django_db


def migration():
    (name,) = [path.stem for path in MIGRATIONS.glob("*_work_time_*.py")]
    return import_module(f"labeling.migrations.{name}")


@pytest.fixture
def assignment(project, annotator):
    """Claimed ten minutes ago."""
    make_demonstration_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="demonstrate")
    Assignment.objects.update(claimed_at=Now() - timedelta(minutes=10))
    return assignment


def seconds_of(user):
    return WorkTime.objects.filter(user=user).aggregate(sum=Sum("seconds"))["sum"] or 0


def test_what_the_page_counts_is_there_at_once_and_once(assignment, annotator, project):
    actions.count_active(assignment=assignment, seconds=30)
    actions.count_active(assignment=assignment, seconds=40)
    actions.submit_demonstration(
        assignment=assignment, text="An answer.", idempotency_key="k", active_seconds=5
    )

    assert seconds_of(annotator) == 75 == Submission.objects.get().active_seconds
    row = WorkTime.objects.latest("begun_at")
    assert (row.project, row.begun_at.minute % 15, row.begun_at.second) == (project, 0, 0)


def test_it_is_never_more_than_the_time_since_the_claim(assignment, annotator):
    for _ in range(5):
        actions.count_active(assignment=assignment, seconds=400)

    assert 600 <= seconds_of(annotator) <= 602


def test_nothing_counted_leaves_no_row(assignment):
    actions.count_active(assignment=assignment, seconds=0)

    assert not WorkTime.objects.exists()


def test_a_skipped_task_was_work_too(client_for, annotator, assignment):
    actions.count_active(assignment=assignment, seconds=60)

    client_for(annotator).post(
        reverse("skip", args=[assignment.public_id]), {"sure": "yes", "active_seconds": "12"}
    )

    assert Assignment.objects.get().status == "skipped"
    assert seconds_of(annotator) == 72


def test_a_lease_that_ran_out_was_work_and_counts_no_second_time_when_it_is_done(
    assignment, annotator, project
):
    actions.count_active(assignment=assignment, seconds=60)
    Assignment.objects.update(lease_until=Now() - timedelta(seconds=1))
    actions.expire_leases()
    assert seconds_of(annotator) == 60

    again = actions.claim_task(user=annotator, project=project, kind="demonstrate")
    Assignment.objects.update(claimed_at=Now() - timedelta(minutes=1))
    actions.submit_demonstration(assignment=again, text="Done.", idempotency_key="k", active_seconds=20)

    assert Submission.objects.get().active_seconds == 80
    assert seconds_of(annotator) == 80


def test_a_revision_s_time_counts_as_well(assignment, annotator):
    actions.submit_demonstration(assignment=assignment, text="One.", idempotency_key="1", active_seconds=30)
    Assignment.objects.update(active_counted_at=Now() - timedelta(minutes=1))

    actions.submit_demonstration(assignment=assignment, text="Two.", idempotency_key="2", active_seconds=15)

    assert seconds_of(annotator) == 45


def test_reviews_of_before_get_the_gain_that_they_would_have(project, annotator, manager):
    submissions = [at_work.submit(annotator, project) for _ in range(2)]
    for verdict in ("accepted", "accepted", "returned", "returned", "accepted"):
        at_work.review(submissions[0], manager, verdict)
    at_work.review(submissions[1], manager, "returned")
    gains = list(Review.objects.order_by("pk").values_list("gain", flat=True))
    Review.objects.update(gain=0)

    with connection.cursor() as cursor:
        cursor.execute(migration().GAINS)

    assert gains == [1, 0, -1, 0, 1, 0]
    assert list(Review.objects.order_by("pk").values_list("gain", flat=True)) == gains


def test_what_was_worked_before_it_was_dated_counts_where_it_was_submitted_or_left(
    assignment, annotator, project
):
    actions.submit_demonstration(assignment=assignment, text="One.", idempotency_key="1", active_seconds=30)
    make_demonstration_task(project)
    unfinished = actions.claim_task(user=annotator, project=project, kind="demonstrate")
    Assignment.objects.filter(pk=unfinished.pk).update(active_seconds=7)
    Submission.objects.update(created_at=datetime(2026, 1, 5, 10, 59, tzinfo=UTC))
    WorkTime.objects.all().delete()

    with connection.cursor() as cursor:
        cursor.execute(migration().FILL)

    old, new = WorkTime.objects.order_by("begun_at")
    assert (old.seconds, old.begun_at) == (30, datetime(2026, 1, 5, 10, 45, tzinfo=UTC))
    assert (new.seconds, new.user, new.project) == (7, annotator, project)


def test_each_person_s_weeks_show_the_same_time(assignment, annotator, second_annotator):
    actions.count_active(assignment=assignment, seconds=90)

    assert [week.seconds for week in history_queries.weeks_of(annotator)] == [90]
    assert history_queries.weeks_of(second_annotator) == []
