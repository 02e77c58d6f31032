"""How much waits for somebody is counted as far as it matters, however much there is."""

import pytest
from django.urls import reverse

from labeling import queries
from labeling.models import Task
from tests.making import make_prompt

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
