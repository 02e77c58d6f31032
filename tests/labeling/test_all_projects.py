"""Several projects at a glance."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling import actions
from labeling.models import Membership
from tests.labeling.working import rank
from tests.making import make_demonstration_task, make_ranking_task


@pytest.fixture(autouse=True)
def nothing_is_kept():
    cache.clear()


def managed(name, manager):
    project = actions.create_project(name=name, creator=manager)
    make_demonstration_task(project)
    return project


def look(client):
    return client.get(reverse("manage-all"))


def test_each_project_that_one_manages_with_what_waits_there(client_for, project, manager, annotator):
    managed("A second", manager)
    actions.create_project(name="Not theirs", creator=None)
    make_ranking_task(project)
    make_ranking_task(project)
    rank(annotator, project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    actions.ask_question(assignment=assignment, body="How?", idempotency_key="1")

    rows = look(client_for(manager)).context["rows"]

    assert [row.project.name for row in rows] == ["A second", "Helpful answers"]
    assert [(row.total.left, row.questions, row.reviews) for row in rows] == [(1, 0, 0), (1, 1, 1)]
    assert (rows[1].done.judgments, rows[1].forecast.reason, rows[1].cost) == (1, "few", None)


def test_who_manages_nothing_has_no_such_page(client_for, project, annotator):
    assert look(client_for(annotator)).status_code == 404


def test_a_manager_of_one_project_who_annotates_in_another_sees_the_one(client_for, project, manager):
    other = actions.create_project(name="Another", creator=None)
    Membership.objects.create(project=other, user=manager, role="annotator")

    assert [row.project for row in look(client_for(manager)).context["rows"]] == [project]


def test_a_project_in_which_one_is_suspended_is_not_among_them(client_for, project, manager, person):
    managed("A second", manager)
    actions.suspend_member(
        project=project,
        user=manager,
        actor=person("Max", "manager", project=project),
        reason="On leave.",
        sets_aside=False,
    )

    assert [row.project.name for row in look(client_for(manager)).context["rows"]] == ["A second"]


def test_ten_projects_cost_as_many_queries_as_two(client_for, project, manager):
    client = client_for(manager)

    def cost():
        with CaptureQueriesContext(connection) as captured:
            assert look(client).status_code == 200
        return len(captured)

    managed("P0", manager)
    cost()
    before = cost()
    for n in range(1, 9):
        managed(f"P{n}", manager)

    assert cost() == before
