"""Many people who ask in the same instant for fewer seats than there are people."""

import threading
from collections import Counter

import pytest
from django.db import connection, connections

from labeling import actions
from labeling.models import Assignment, Task
from tests.making import make_prompt

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 4
OVERLAP = (1, 2, 3, 1, 1, 2)  # 10 seats at 6 tasks


@pytest.mark.parametrize("people", [16, 32])
def test_no_seat_goes_to_two_and_none_is_left_over(project, people):
    users = [actions.add_person(email=f"p{n}@example.org", name=f"P{n}") for n in range(people)]
    begin, end = threading.Barrier(people + 1), threading.Barrier(people + 1)
    given, problems = [], []

    def work(user):
        try:
            connection.ensure_connection()
            for _ in range(ROUNDS):
                begin.wait(timeout=30)
                given.append(actions.claim_task(user=user, project=project, kind="rank"))
                end.wait(timeout=30)
        except Exception as problem:
            problems.append(problem)
            begin.abort()
            end.abort()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    try:
        for _ in range(ROUNDS):
            tasks = open_tasks(project)
            given.clear()
            begin.wait(timeout=30)
            end.wait(timeout=30)
            seats = Counter(assignment.task_id for assignment in given if assignment is not None)
            assert seats == {task.pk: task.seats_wanted for task in tasks}
            assert len(given) == people
            leave(tasks)
    except threading.BrokenBarrierError:
        pass
    finally:
        begin.abort()
        end.abort()
        for thread in threads:
            thread.join(timeout=30)
    assert problems == []


def open_tasks(project):
    prompt = make_prompt(project)
    return Task.objects.bulk_create(
        Task(project=project, prompt=prompt, kind="rank", language="en", seats_wanted=seats)
        for seats in OVERLAP
    )


def leave(tasks):
    """Everybody is free for the next round; the tasks are as full as they became."""
    for assignment in Assignment.objects.filter(task__in=tasks):
        actions.set_aside(assignment=assignment, verdict="prompt_problem", idempotency_key="k")
