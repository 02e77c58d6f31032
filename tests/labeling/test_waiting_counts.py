"""How much waits for somebody is counted as far as it matters, however much there is."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling import actions, queries
from labeling.models import Assignment, Task
from tests.labeling.working import rank
from tests.making import make_prompt, make_ranking_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(queries, "MOST_COUNTED", 3)


def make_tasks(project, count):
    prompt = make_prompt(project)
    Task.objects.bulk_create(
        Task(project=project, prompt=prompt, kind="rank", language="en") for _ in range(count)
    )


def test_up_to_so_many_they_are_counted(project, annotator, few):
    make_tasks(project, 3)

    assert queries.tasks_waiting_for(annotator, project, "rank") == 3


def test_beyond_it_is_said_that_there_are_more(project, annotator, few, client_for):
    make_tasks(project, 9)

    assert queries.tasks_waiting_for(annotator, project, "rank") == 4
    assert '<span class="count">3+</span>' in client_for(annotator).get(reverse("home")).content.decode()


def test_what_ran_out_is_not_open_and_counts_while_it_still_fits(project, annotator):
    task = make_ranking_task(project)
    held = actions.claim_task(user=annotator, project=project, kind="rank")
    Assignment.objects.filter(pk=held.pk).update(lease_until=Now() - timedelta(minutes=1))
    assert queries.tasks_waiting_for(annotator, project, "rank") == 1

    actions.withdraw_task(task=task, actor=None)

    assert queries.tasks_waiting_for(annotator, project, "rank") == 0
    assert actions.claim_task(user=annotator, project=project, kind="rank") is None


def test_what_ran_out_takes_no_part_of_a_day_that_has_a_cap(project, annotator):
    project.daily_cap = 1
    project.save()
    make_tasks(project, 3)
    held = actions.claim_task(user=annotator, project=project, kind="rank")
    Assignment.objects.filter(pk=held.pk).update(lease_until=Now() - timedelta(minutes=1))

    assert queries.tasks_waiting_for(annotator, project, "rank") == 1


def test_what_one_holds_counts_with_what_is_free_and_never_twice(project, annotator, second_annotator):
    make_tasks(project, 4)
    actions.claim_task(user=annotator, project=project, kind="rank")
    actions.reserve_task(user=annotator, project=project, kind="rank")
    actions.claim_task(user=second_annotator, project=project, kind="rank")

    assert queries.all_waiting_for(annotator, project) == {"rank": 3, "demonstrate": 0}
    assert queries.all_waiting_for(second_annotator, project) == {"rank": 3, "demonstrate": 0}


def test_all_kinds_are_counted_by_one_statement_and_totals_out_of_what_is_kept(project, annotator):
    prompt = make_prompt(project)
    for round in (1, 2):
        make_ranking_task(project, prompt=prompt, round=round)
    rank(annotator, project)

    with CaptureQueriesContext(connection) as captured:
        assert queries.all_waiting_for(annotator, project) == {"rank": 1, "demonstrate": 0}
    assert len(captured) == 2  # who they are, and the count
    with CaptureQueriesContext(connection) as captured:
        assert queries.task_counts(project)["rank"] == queries.TaskCounts(open=1, complete=1, submissions=1)
        assert queries.prompt_count(project) == 1
        assert queries.submissions_by(annotator, project) == {"rank": 1, "demonstrate": 0}
    assert not [one["sql"] for one in captured if "labeling_task" in one["sql"]]
