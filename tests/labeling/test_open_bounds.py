"""At most so many open tasks a person: in a project, and in all of them."""

import threading
from datetime import timedelta

import pytest
from django.db import close_old_connections, transaction
from django.db.models.functions import Now
from django.urls import reverse

from labeling import actions
from labeling.errors import Conflict
from labeling.models import Assignment, Membership
from tests.making import make_demonstration_task, make_ranking_task

pytestmark = pytest.mark.django_db


def claim(user, project, kind="rank"):
    return actions.claim_task(user=user, project=project, kind=kind)


def reserve(user, project, kind="rank"):
    return actions.reserve_task(user=user, project=project, kind=kind)


@pytest.fixture
def bound(project):
    """Two open tasks a person, and plenty of both kinds."""
    project.open_tasks = 2
    project.save()
    for _ in range(4):
        make_ranking_task(project)
        make_demonstration_task(project)
    return project


def test_usually_both_kinds_and_the_next_one_fit(project, annotator):
    for _ in range(2):
        make_ranking_task(project)
        make_demonstration_task(project)

    assert claim(annotator, project) and claim(annotator, project, "demonstrate")
    assert reserve(annotator, project) is not None


def test_one_more_is_refused_and_what_is_open_comes_again(bound, annotator):
    bound.open_tasks = 1
    bound.save()
    held = claim(annotator, bound)

    with pytest.raises(Conflict, match="1 tasks open in this project") as refusal:
        claim(annotator, bound, "demonstrate")

    assert refusal.value.code == "too_many_open"
    assert claim(annotator, bound) == held
    assert Assignment.objects.count() == 1


def test_nothing_is_reserved_beyond_the_bound(bound, annotator):
    claim(annotator, bound)
    claim(annotator, bound, "demonstrate")

    assert reserve(annotator, bound) is None


def test_a_reservation_makes_room_for_what_is_asked_for_now(bound, annotator):
    claim(annotator, bound)
    held = reserve(annotator, bound)

    writing = claim(annotator, bound, "demonstrate")

    held.refresh_from_db()
    assert (writing.status, held.status, held.holds_seat) == ("leased", "expired", False)


def test_taking_up_a_reservation_is_no_task_more(bound, annotator):
    claim(annotator, bound, "demonstrate")
    first = claim(annotator, bound)
    bound.open_tasks = 3
    bound.save()
    held = reserve(annotator, bound)
    bound.open_tasks = 2
    bound.save()
    actions.skip_task(assignment=first)

    assert claim(annotator, bound) == held


def test_what_ran_out_does_not_count_swept_or_not(bound, annotator):
    bound.open_tasks = 1
    bound.save()
    held = claim(annotator, bound)
    Assignment.objects.filter(pk=held.pk).update(lease_until=Now() - timedelta(minutes=1))

    assert claim(annotator, bound, "demonstrate") is not None


def test_an_old_window_in_use_again_takes_no_seat_beyond_the_bound(bound, annotator):
    bound.open_tasks = 1
    bound.save()
    old = claim(annotator, bound)
    Assignment.objects.filter(pk=old.pk).update(lease_until=Now() - timedelta(minutes=1))
    actions.expire_leases()
    claim(annotator, bound, "demonstrate")

    assert not actions.keep_working(assignment=old)


@pytest.mark.django_db(transaction=True)
def test_an_old_window_counts_what_a_claim_is_just_taking(bound, annotator):
    bound.open_tasks = 1
    bound.save()
    old = claim(annotator, bound)
    Assignment.objects.filter(pk=old.pk).update(lease_until=Now() - timedelta(minutes=1))
    actions.expire_leases()
    kept = []

    def keep_working():
        kept.append(actions.keep_working(assignment=old))
        close_old_connections()

    window = threading.Thread(target=keep_working)
    with transaction.atomic():
        writing = claim(annotator, bound, "demonstrate")
        window.start()
        window.join(timeout=1)
    window.join(timeout=30)

    assert kept == [False]
    assert list(annotator.assignments.filter(holds_seat=True)) == [writing]


def test_all_projects_together_have_a_bound_too(bound, annotator, settings):
    settings.OPEN_TASKS_PER_PERSON = 2
    other = actions.create_project(name="Other", creator=None)
    Membership.objects.create(user=annotator, project=other, role="annotator")
    make_ranking_task(other)
    claim(annotator, bound)
    claim(annotator, bound, "demonstrate")

    with pytest.raises(Conflict, match="2 tasks open in all projects"):
        claim(annotator, other)


def test_the_page_says_it_and_leads_to_the_project(client_for, bound, annotator):
    bound.open_tasks = 1
    bound.save()
    claim(annotator, bound)

    page = client_for(annotator).post(
        reverse("next-task", args=[bound.public_id, "demonstrate"]), follow=True
    )

    assert "submit or skip one first" in page.content.decode()
