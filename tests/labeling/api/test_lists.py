"""Lists: pages that stay put, filters, pseudonyms, and a cost that does not grow."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling import actions
from labeling.exports import pseudonym
from labeling.models import Membership, Project, Submission
from tests.api import api_for, assert_problem
from tests.making import make_demonstration_task
from tests.training.making import make_ranking


def judgments(project):
    return f"projects/{project.public_id}/judgments/"


def pages(api, path, **parameters):
    """Every page of a list, following its cursors."""
    cursor = {}
    while True:
        page = api.get(path, **parameters, **cursor).data
        yield [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def write(user, project, text="An answer.", **prompt):
    make_demonstration_task(project, **prompt)
    assignment = actions.claim_task(user=user, project=project, kind="demonstrate")
    return actions.submit_demonstration(assignment=assignment, text=text, idempotency_key="k")


def test_a_ranking_tells_what_was_judged_and_how(engineer, annotator, project):
    made = make_ranking(annotator, project, (2, 1, 2, 3))

    [item] = api_for(engineer).get(judgments(project)).data["items"]

    assert item["id"] == str(made.public_id)
    assert item["ranking"]["completions"] == ["one", "two", "three", "four"]
    assert item["ranking"]["places"] == made.ranking.places
    assert sorted(item["ranking"]["display_order"]) == [1, 2, 3, 4]
    assert item["annotator"] == pseudonym(project, annotator)
    assert item["demonstration"] is None
    hidden = [annotator.name, annotator.email, str(annotator.public_id)]
    assert [fact for fact in hidden if fact in str(item)] == []


def test_of_a_revised_judgment_only_the_newest_is_told(engineer, annotator, project):
    first = write(annotator, project, "First.")
    actions.submit_demonstration(
        assignment=first.assignment,
        text="Second.",
        idempotency_key="k2",
        pasted_characters=3,
        assistance="edited",
        assistance_tool="A tool",
    )

    [item] = api_for(engineer).get(judgments(project)).data["items"]

    assert item["revision"] == 2
    assert item["demonstration"] == {
        "text": "Second.",
        "pasted_characters": 3,
        "ai_assistance": "edited",
        "ai_tool": "A tool",
    }


def test_filters_choose(engineer, annotator, second_annotator, project):
    ranked = make_ranking(annotator, project)
    written = write(second_annotator, project, split="valid")
    Submission.objects.filter(pk=ranked.pk).update(created_at="2020-01-01T00:00:00Z", origin="simulated")
    api = api_for(engineer)

    def ids(**parameters):
        return [item["id"] for item in api.get(judgments(project), **parameters).data["items"]]

    ranked, written = str(ranked.public_id), str(written.public_id)
    assert ids() == [ranked, written]
    assert (ids(kind="rank"), ids(kind="demonstrate")) == ([ranked], [written])
    assert (ids(split="train"), ids(split="valid")) == ([ranked], [written])
    assert (ids(origin="simulated"), ids(origin="person")) == ([ranked], [written])
    assert (ids(until="2021-01-01T00:00:00Z"), ids(since="2021-01-01T00:00:00Z")) == ([ranked], [written])
    assert ids(annotator=pseudonym(project, second_annotator)) == [written]
    assert ids(annotator="annotator-000000000000") == []


@pytest.mark.parametrize(
    "parameters",
    [{"kind": "x"}, {"limit": 0}, {"limit": 1000}, {"limit": "x"}, {"since": "today"}, {"annotator": "\0"}],
)
def test_a_filter_that_is_none_is_refused_by_name(parameters, engineer, project):
    answer = api_for(engineer).get(judgments(project), **parameters)

    assert_problem(answer, 400, "invalid")
    assert set(answer.data["fields"]) == set(parameters)


def test_pages_join_without_gap_or_repetition_while_rows_come_in(engineer, annotator, project):
    for _ in range(5):
        write(annotator, project)
    api, seen = api_for(engineer), []

    for number, page in enumerate(pages(api, judgments(project), limit=2)):
        seen += page
        if number < 3:
            write(annotator, project)  # comes last, so it is still to be seen

    assert len(seen) == len(set(seen)) == 8
    assert seen == [str(s.public_id) for s in Submission.objects.order_by("pk")]


def test_newest_first_lists_show_what_was_there_when_reading_began(engineer, annotator, project):
    def add(name):
        made = Project.objects.create(name=name)
        Membership.objects.create(project=made, user=engineer, role="engineer")
        return str(made.public_id)

    there = [str(project.public_id), *(add(f"Project {n}") for n in range(4))]
    seen = []
    for number, page in enumerate(pages(api_for(engineer), "projects/", limit=2)):
        seen += page
        add(f"Later {number}")

    assert seen == there[::-1]


def test_a_cursor_survives_the_revision_of_its_row(engineer, annotator, project):
    made = [write(annotator, project) for _ in range(3)]
    api = api_for(engineer)
    first = api.get(judgments(project), limit=1).data

    revised = actions.submit_demonstration(
        assignment=made[0].assignment, text="Better.", idempotency_key="k2"
    )
    rest = api.get(judgments(project), cursor=first["next_cursor"]).data["items"]

    assert [item["id"] for item in rest] == [str(s.public_id) for s in (made[1], made[2], revised)]


@pytest.mark.parametrize("cursor", ["x", "%00", "AAAAAAAAAAAAAAAAAAAAAA", "é"])
def test_a_cursor_that_is_none_is_refused(cursor, engineer, project):
    assert_problem(api_for(engineer).get(judgments(project), cursor=cursor), 400)


def test_a_cursor_of_another_project_is_refused(engineer, annotator, project, person):
    other = Project.objects.create(name="Other")
    for role in ("annotator", "engineer"):
        Membership.objects.create(project=other, user=engineer, role=role)
    for place in (project, other):
        write(annotator if place == project else engineer, place)
        write(annotator if place == project else engineer, place)
    api = api_for(engineer)
    cursor = api.get(judgments(other), limit=1).data["next_cursor"]

    assert_problem(api.get(judgments(project), cursor=cursor), 400, "bad_cursor")


def test_a_list_costs_the_same_however_long_it_is(engineer, annotator, project):
    api = api_for(engineer)

    def cost():
        with CaptureQueriesContext(connection) as captured:
            assert api.get(judgments(project)).status_code == 200
        return len(captured)

    make_ranking(annotator, project)
    write(annotator, project)
    cost()
    one = cost()
    for _ in range(9):
        make_ranking(annotator, project)
        write(annotator, project)

    assert cost() == one
