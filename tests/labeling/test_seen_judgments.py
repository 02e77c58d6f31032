"""Nobody sees what others made of a task before they have judged it, and then judges it."""

import threading
from datetime import timedelta

import pytest
from django.db import close_old_connections
from django.db.models.functions import Now
from django.urls import reverse

from labeling import actions, queries
from labeling.errors import Conflict
from labeling.history_queries import Why, why_nothing
from labeling.models import Assignment, AssignmentStatusChange, Task
from labeling.review_queries import submissions_for, waiting_count
from tests.making import make_ranking_task

pytestmark = pytest.mark.django_db

PLACES = [(1, 1), (2, 2), (3, 3), (4, 4)]


@pytest.fixture
def reviewer(person, project):
    return person("Rea", "reviewer", project=project)


@pytest.fixture
def judged(project, annotator):
    """A task for several people, of which one has judged it."""
    task = make_ranking_task(project)
    Task.objects.update(seats_wanted=3)
    assignment = claim(annotator, project)
    return actions.submit_ranking(assignment=assignment, places=PLACES, idempotency_key="k"), task


def claim(user, project):
    return actions.claim_task(user=user, project=project, kind="rank")


def look(client, submission):
    return client.get(reverse("review", args=[submission.public_id]))


def test_whoever_opens_a_review_is_not_handed_its_task(client_for, project, reviewer, judged):
    submission, task = judged
    assert queries.tasks_waiting_for(reviewer, project, "rank") == 1

    assert look(client_for(reviewer), submission).status_code == 200
    assert look(client_for(reviewer), submission).status_code == 200

    assert claim(reviewer, project) is None
    assert queries.tasks_waiting_for(reviewer, project, "rank") == 0
    assert why_nothing(reviewer, project, "rank") == Why("barred")
    row = Assignment.objects.get(user=reviewer)
    task.refresh_from_db()
    assert (row.status, row.holds_seat, task.seats_taken) == ("saw", False, 1)
    assert AssignmentStatusChange.objects.get(subject=row).to_status == "saw"


def test_the_managers_page_of_a_task_is_such_a_look_and_without_judgments_none(
    client_for, project, manager, annotator
):
    task = make_ranking_task(project)
    Task.objects.update(seats_wanted=2)
    address = reverse("manage-task", args=[task.public_id])
    client = client_for(manager)

    client.get(address)
    assert not Assignment.objects.exists()
    actions.submit_ranking(assignment=claim(annotator, project), places=PLACES, idempotency_key="k")
    client.get(address)

    assert claim(manager, project) is None
    assert Assignment.objects.get(user=manager).status == "saw"


def test_who_has_the_task_open_is_shown_nothing(client_for, project, reviewer, judged):
    submission, _task = judged
    held = claim(reviewer, project)

    answer = look(client_for(reviewer), submission)

    assert answer.status_code == 409
    assert "You have this task open yourself" in answer.content.decode()
    assert submission not in submissions_for(reviewer, project)
    assert waiting_count(reviewer, project) == 0
    with pytest.raises(Conflict):
        actions.see_judgments(task=held.task, user=reviewer)
    held.refresh_from_db()
    assert held.status == "leased"


def test_a_manager_who_has_it_open_sees_the_task_without_its_judgments(client_for, project, manager, judged):
    _submission, task = judged
    claim(manager, project)

    page = client_for(manager).get(reverse("manage-task", args=[task.public_id]))

    assert page.status_code == 200
    assert page.context["judgments"] == []
    assert "You have this task open yourself" in page.content.decode()


def test_once_judged_it_may_be_looked_at(client_for, project, reviewer, judged):
    submission, _task = judged
    held = claim(reviewer, project)
    actions.submit_ranking(assignment=held, places=PLACES, idempotency_key="r")

    assert look(client_for(reviewer), submission).status_code == 200
    held.refresh_from_db()
    assert held.status == "submitted"


def test_what_is_reserved_goes_back_with_the_look(project, person, annotator):
    first, second = make_ranking_task(project), make_ranking_task(project)
    Task.objects.update(seats_wanted=2)
    reviewer = person("Rea", "reviewer", project=project)
    claim(reviewer, project)
    held = actions.reserve_task(user=reviewer, project=project, kind="rank")
    assert held.task == second

    actions.see_judgments(task=second, user=reviewer)

    held.refresh_from_db()
    second.refresh_from_db()
    assert (held.status, held.holds_seat, second.seats_taken) == ("saw", False, 0)
    assert actions.reserve_task(user=reviewer, project=project, kind="rank") is None
    assert first.pk < second.pk


def test_a_lease_that_ran_out_is_no_open_task_and_its_old_page_is_refused(project, reviewer, judged):
    _submission, task = judged
    held = claim(reviewer, project)
    Assignment.objects.filter(pk=held.pk).update(lease_until=Now() - timedelta(minutes=1))

    actions.see_judgments(task=task, user=reviewer)

    task.refresh_from_db()
    assert task.seats_taken == 1
    assert not actions.keep_working(assignment=held)
    with pytest.raises(Conflict, match="not yours to judge any more"):
        actions.submit_ranking(assignment=held, places=PLACES, idempotency_key="late")


def test_skipping_from_an_old_page_takes_nothing_of_the_look_back(client_for, project, reviewer, judged):
    _submission, task = judged
    held = claim(reviewer, project)
    Assignment.objects.filter(pk=held.pk).update(lease_until=Now() - timedelta(minutes=1))
    actions.see_judgments(task=task, user=reviewer)

    answer = client_for(reviewer).post(reverse("skip", args=[held.public_id]), {"sure": "1"})

    assert answer.status_code == 302
    held.refresh_from_db()
    assert held.status == "saw"
    with pytest.raises(Conflict, match="not yours to judge any more"):
        actions.submit_ranking(assignment=held, places=PLACES, idempotency_key="late")


def test_the_people_of_a_task_are_those_who_took_it(client_for, project, manager, judged):
    _submission, task = judged
    client = client_for(manager)
    client.get(reverse("manage-task", args=[task.public_id]))

    page = client.get(reverse("manage-task", args=[task.public_id]))

    assert [seat.user.name for seat in page.context["seats"]] == ["Ada"]


@pytest.mark.django_db(transaction=True)
def test_a_look_and_a_claim_at_once_never_both_succeed(project, person, annotator):
    """Either the look is refused, since the task is open now, or the task is not handed out."""
    rounds = 8
    reviewer = person("Rea", "reviewer", project=project)
    for _ in range(rounds):
        task = make_ranking_task(project)
        Task.objects.filter(pk=task.pk).update(seats_wanted=2)
    outcomes = []
    for task in Task.objects.order_by("pk"):
        barrier = threading.Barrier(2)
        done = {}

        def look(task=task, barrier=barrier, done=done):
            barrier.wait(timeout=10)
            try:
                actions.see_judgments(task=task, user=reviewer)
                done["saw"] = True
            except Conflict:
                done["saw"] = False
            close_old_connections()

        def ask(barrier=barrier, done=done):
            barrier.wait(timeout=10)
            done["held"] = claim(reviewer, project)
            close_old_connections()

        threads = [threading.Thread(target=look), threading.Thread(target=ask)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        outcomes.append(done["saw"] != (done["held"] is not None and done["held"].task_id == task.pk))
        for held in Assignment.objects.filter(user=reviewer, status="leased"):
            actions.skip_task(assignment=held)

    assert outcomes == [True] * rounds
    assert set(Task.objects.values_list("seats_taken", flat=True)) == {0}
