"""The claim goes on from where somebody was, and still finds what is free before that place."""

import threading
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection
from django.db.models.functions import Now
from django.utils import timezone

from labeling import actions
from labeling.actions.free_seats import STRIDE, TAKE_SEAT, asked_of
from labeling.actions.leases import LEASE
from labeling.eligibility import WORK, eligibility_of
from labeling.models import Assignment, QueuePlace, Task
from tests.making import make_prompt

pytestmark = pytest.mark.django_db


def claim(user, project):
    return actions.claim_task(user=user, project=project, kind="rank")


def make_tasks(project, count, **fields):
    """Of one prompt, without outputs: who is given which is all that is asked."""
    prompt = make_prompt(project)
    tasks = [Task(project=project, prompt=prompt, kind="rank", language="en", **fields) for _ in range(count)]
    return Task.objects.bulk_create(tasks)


def had(user, tasks):
    """This person has submitted these."""
    Assignment.objects.bulk_create(
        Assignment(task=task, user=user, status="submitted", lease_until=None) for task in tasks
    )
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(seats_taken=1)


def claimed_and_left(user, project, times):
    """The tasks that this person is given one after the other; each is skipped."""
    given = []
    for _ in range(times):
        assignment = claim(user, project)
        given.append(assignment.task)
        actions.skip_task(assignment=assignment)
    return given


def blocks_of_a_claim(user, project):
    """How many blocks of the database the statement looks at; it takes the seat."""
    may = eligibility_of(user, project)
    asked = asked_of(user, project, "rank", may, WORK, Assignment.Status.LEASED, LEASE)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE labeling_task, labeling_assignment")
        asking = TAKE_SEAT.asking(**asked)
        TAKE_SEAT.prepare()
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {TAKE_SEAT.call}", asking.values)
        plan = cursor.fetchone()[0][0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def test_what_somebody_has_done_is_walked_past_once(project, annotator):
    tasks = make_tasks(project, 3000, seats_wanted=2)
    had(annotator, tasks[:2900])

    first = blocks_of_a_claim(annotator, project)
    second = blocks_of_a_claim(annotator, project)

    assert first > 2900
    assert second < 150
    given = Assignment.objects.filter(user=annotator, status="leased").order_by("pk")
    assert list(given.values_list("task", flat=True)) == [tasks[2900].pk, tasks[2901].pk]


def test_a_place_is_written_once_in_a_stride(project, annotator):
    tasks = make_tasks(project, STRIDE + 3)

    claimed_and_left(annotator, project, STRIDE)
    assert QueuePlace.objects.get().reached == tasks[0].pk
    claimed_and_left(annotator, project, 1)

    assert QueuePlace.objects.get().reached == tasks[STRIDE].pk


def test_new_tasks_come_in_their_order_wherever_somebody_is(project, annotator):
    tasks = make_tasks(project, STRIDE + 2)
    claimed_and_left(annotator, project, STRIDE + 1)
    urgent = make_tasks(project, 2, priority=5)
    usual = make_tasks(project, 1)

    given = claimed_and_left(annotator, project, 4)

    assert given == [*urgent, tasks[-1], *usual]


def test_a_seat_that_comes_back_behind_the_place_is_found_when_nothing_else_is_left(
    project, annotator, second_annotator
):
    tasks = make_tasks(project, STRIDE + 3)
    taken = claim(second_annotator, project)
    claimed_and_left(annotator, project, STRIDE + 1)
    actions.skip_task(assignment=taken)

    given = claimed_and_left(annotator, project, 2)

    assert given == [tasks[-1], tasks[0]]
    assert claim(annotator, project) is None


def test_it_is_found_after_some_minutes_though_there_is_more(project, annotator, second_annotator):
    tasks = make_tasks(project, STRIDE + 9)
    taken = claim(second_annotator, project)
    claimed_and_left(annotator, project, STRIDE + 1)
    actions.skip_task(assignment=taken)
    assert claimed_and_left(annotator, project, 1) != [tasks[0]]

    QueuePlace.objects.update(looked_at=Now() - timedelta(minutes=11))

    assert claimed_and_left(annotator, project, 1) == [tasks[0]]
    assert QueuePlace.objects.get(user=annotator).looked_at > timezone.now() - timedelta(minutes=1)


def test_lower_shelves_come_after_higher_ones_and_each_keeps_its_place(project, annotator):
    low = make_tasks(project, 3, priority=-1)
    high = make_tasks(project, 3, priority=7)

    given = claimed_and_left(annotator, project, 6)

    assert given == [*high, *low]
    assert set(QueuePlace.objects.values_list("priority", "reached")) == {(7, high[0].pk), (-1, low[0].pk)}


@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_at_once_for_the_last_two_seats_nobody_is_told_that_there_is_nothing(
    project, annotator, second_annotator
):
    [task] = make_tasks(project, 1, seats_wanted=2)
    barrier, given = threading.Barrier(2), []

    def work(user):
        barrier.wait(timeout=10)
        given.append(claim(user, project))
        close_old_connections()

    for _round in range(5):
        threads = [threading.Thread(target=work, args=(user,)) for user in (annotator, second_annotator)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert [assignment.task for assignment in given] == [task, task]
        given.clear()
        Assignment.objects.all().delete()
        Task.objects.update(seats_taken=0)
