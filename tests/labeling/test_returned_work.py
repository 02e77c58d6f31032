"""What an annotator sees of reviews: on Home, in the history, on the page of the task, in the weeks."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling import actions, history_queries
from tests.labeling.exporting import make_ranking, rank
from tests.making import make_demonstration_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def returned(annotator, project, manager):
    """Ada's ranking, back from Mia."""
    submission = make_ranking(annotator, project, text="Why is the sky blue?")
    give_back(submission, manager)
    return submission


def give_back(submission, reviewer, note="Read <C> to its end."):
    return actions.review_submission(submission=submission, reviewer=reviewer, verdict="returned", note=note)


def home(client):
    return client.get("/").content.decode()


def task_page(client, submission):
    return client.get(reverse("assignment", args=[submission.assignment.public_id])).content.decode()


def test_home_leads_to_what_came_back_until_it_is_revised(client_for, annotator, returned):
    client = client_for(annotator)

    page = home(client)
    assert "Came back from review: 1" in page
    assert reverse("assignment", args=[returned.assignment.public_id]) in page
    assert "Read &lt;C&gt; to its end." in page

    rank(returned.assignment, (4, 3, 2, 1))
    assert "Came back from review" not in home(client)


def test_nobody_is_told_who_reviewed(client_for, annotator, returned, manager):
    client = client_for(annotator)

    for page in (home(client), task_page(client, returned), client.get(reverse("history")).content.decode()):
        assert "Read &lt;C&gt; to its end." in page
        assert manager.name not in page and manager.email not in page


def test_others_see_nothing_of_it(client_for, second_annotator, returned):
    assert "Came back from review" not in home(client_for(second_annotator))


def test_what_is_accepted_does_not_come_back(client_for, annotator, project, manager):
    accepted = make_ranking(annotator, project)
    actions.review_submission(submission=accepted, reviewer=manager, verdict="accepted", note="Well put.")

    assert "Came back from review" not in home(client_for(annotator))
    assert "Well put." in client_for(annotator).get(reverse("history")).content.decode()


def test_while_nothing_can_be_revised_home_leads_to_nothing(client_for, annotator, project, returned):
    actions.pause_project(project=project, reason="We count.")

    assert "Came back from review" not in home(client_for(annotator))


def test_the_page_of_a_ranking_shows_the_note_above_the_work(client_for, annotator, returned):
    client = client_for(annotator)

    page = task_page(client, returned)
    assert page.index("Read &lt;C&gt; to its end.") < page.index('class="conversation"')
    assert "This came back from review" in page and "You have submitted this already" not in page

    rank(returned.assignment, (4, 3, 2, 1))
    page = task_page(client, returned)
    assert "This came back from review" not in page and "You have submitted this already" in page


def test_the_page_of_an_answer_shows_it_too(client_for, annotator, project, manager):
    make_demonstration_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="demonstrate")
    written = actions.submit_demonstration(assignment=assignment, text="As it was.", idempotency_key="k")
    give_back(written, manager, "Say why.\n<b>Shorter.</b>")

    page = task_page(client_for(annotator), written)

    assert "Say why.<br>&lt;b&gt;Shorter.&lt;/b&gt;" in page
    assert ">As it was.</textarea>" in page


def test_the_history_says_how_each_stands(client_for, annotator, project, manager, returned):
    accepted = make_ranking(annotator, project)
    make_ranking(annotator, project)
    actions.review_submission(submission=accepted, reviewer=manager, verdict="accepted")

    page = client_for(annotator).get(reverse("history")).content.decode()

    states = [part.partition("<")[0] for part in page.split('class="badge')[1:]]
    assert [state.rpartition(">")[2] for state in states] == ["not reviewed", "accepted", "returned"]


def test_weeks_count_what_was_accepted_once_however_often_it_was_revised(annotator, project, manager):
    first = make_ranking(annotator, project)
    actions.review_submission(submission=first, reviewer=manager, verdict="accepted")
    revised = rank(first.assignment, (4, 3, 2, 1))
    make_ranking(annotator, project)

    [before] = history_queries.weeks_of(annotator)
    actions.review_submission(submission=revised, reviewer=manager, verdict="accepted")
    [after] = history_queries.weeks_of(annotator)

    assert (before.ranked, before.accepted) == (2, 0)
    assert (after.ranked, after.accepted) == (2, 1)


def test_much_that_came_back_is_counted_and_some_of_it_listed(annotator, project, manager, monkeypatch):
    monkeypatch.setattr(history_queries, "MOST_RETURNED", 2)
    submissions = [make_ranking(annotator, project) for _ in range(3)]
    for submission in submissions:
        give_back(submission, manager)

    found = history_queries.returned_to(annotator, [project])

    assert (found.count, found.submissions) == (3, submissions[:2])


def test_home_and_history_cost_the_same_number_of_queries_however_much_came_back(
    client_for, annotator, project, manager
):
    client = client_for(annotator)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            home(client)
            client.get(reverse("history"))
        return len(captured)

    give_back(make_ranking(annotator, project), manager)
    few = queries()
    for _ in range(5):
        give_back(make_ranking(annotator, project), manager)

    assert queries() == few
