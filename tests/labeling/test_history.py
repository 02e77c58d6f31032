from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from labeling import actions, history_queries
from labeling.errors import Conflict
from labeling.models import Submission, WorkTime
from tests.making import make_demonstration_task, make_prompt, make_ranking_task

pytestmark = pytest.mark.django_db


def write(user, project, text="An answer.", key="k"):
    assignment = actions.claim_task(user=user, project=project, kind="demonstrate")
    actions.submit_demonstration(assignment=assignment, text=text, idempotency_key=key)
    return assignment


def page_of(client, **query):
    return client.get(reverse("history"), query).content.decode()


def test_it_shows_one_s_own_newest_revision_and_leads_back_to_the_task(
    client_for, annotator, second_annotator, project
):
    make_demonstration_task(project, text="Why is the sky blue?")
    make_demonstration_task(project, text="Why is grass green?")
    mine = write(annotator, project)
    write(second_annotator, project)
    actions.submit_demonstration(assignment=mine, text="Better.", idempotency_key="again")

    page = page_of(client_for(annotator))

    assert page.count("Why is") == 1 and "Why is the sky blue?" in page
    assert "revision 2" in page
    assert reverse("assignment", args=[mine.public_id]) in page


def test_the_page_of_what_was_submitted_shows_it_to_be_changed(client_for, annotator, project):
    make_demonstration_task(project)
    mine = write(annotator, project, "As it was.")

    page = client_for(annotator).get(reverse("assignment", args=[mine.public_id])).content.decode()

    assert ">As it was.</textarea>" in page


def test_while_the_project_is_paused_nothing_submitted_can_be_changed(client_for, annotator, project):
    make_demonstration_task(project)
    mine = write(annotator, project)
    actions.pause_project(project=project, reason="We count.")
    client = client_for(annotator)

    assert reverse("assignment", args=[mine.public_id]) not in page_of(client)
    answer = client.post(
        reverse("submit", args=[mine.public_id]), {"text": "Other.", "idempotency_key": "new"}
    )
    assert answer.status_code == 409
    assert "can be changed when it goes on" in answer.content.decode()
    assert Submission.objects.count() == 1
    with pytest.raises(Conflict, match="paused"):
        actions.submit_demonstration(assignment=mine, text="Other.", idempotency_key="direct")


def test_pages_follow_each_other_without_repeating(client_for, annotator, project, monkeypatch):
    monkeypatch.setattr(history_queries, "PAGE", 2)
    for n in range(3):
        make_demonstration_task(project, text=f"Prompt number {n}?")
        write(annotator, project)

    first = history_queries.history_of(annotator)
    second = history_queries.history_of(annotator, after=first.after)

    assert [str(s.assignment.task.prompt) for s in [*first.submissions, *second.submissions]] == [
        "Prompt number 2?",
        "Prompt number 1?",
        "Prompt number 0?",
    ]
    assert second.after is None
    assert "Earlier ones" in page_of(client_for(annotator))
    assert page_of(client_for(annotator), after="nonsense").count("Prompt number") == 2


def test_an_empty_history_says_where_to_begin(client_for, annotator):
    assert "Nothing yet" in page_of(client_for(annotator))


def test_weeks_begin_on_monday_where_the_person_lives_and_revisions_add_time_only(
    annotator, project, monkeypatch
):
    annotator.time_zone = "Asia/Shanghai"
    annotator.save()
    make_demonstration_task(project)
    make_demonstration_task(project)
    first, second = write(annotator, project), write(annotator, project)
    actions.submit_demonstration(assignment=second, text="Better.", idempotency_key="again")
    now = datetime(2026, 11, 18, tzinfo=UTC)
    monkeypatch.setattr(history_queries.timezone, "now", lambda: now)
    # Sunday 17:00 UTC is Monday in Shanghai.
    for assignment, hour, seconds in ((second, 17, 1800), (first, 15, 3600)):
        moment = datetime(2026, 11, 15, hour, tzinfo=UTC)
        Submission.objects.filter(assignment=assignment).update(created_at=moment)
        WorkTime.objects.create(project=project, user=annotator, begun_at=moment, seconds=seconds)

    weeks = history_queries.weeks_of(annotator)

    assert [(str(week.monday), week.written, week.hours) for week in weeks] == [
        ("2026-11-16", 1, 0.5),
        ("2026-11-09", 1, 1.0),
    ]


def test_home_shows_them(client_for, annotator, project):
    make_demonstration_task(project)
    write(annotator, project)
    WorkTime.objects.create(project=project, user=annotator, begun_at=timezone.now(), seconds=5400)

    page = client_for(annotator).get("/").content.decode()

    assert "Your weeks" in page and "1.5" in page


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda project, ada, ben: None, "No task is open."),
        (lambda project, ada, ben: make_and_claim(project, ben), "All open tasks are in other hands."),
        (lambda project, ada, ben: make_and_skip(project, ada), "You have done or skipped every open task"),
        (lambda project, ada, ben: actions.pause_project(project=project, reason="Lunch."), "Lunch."),
    ],
)
def test_home_says_why_there_is_nothing(client_for, project, annotator, second_annotator, prepare, words):
    prepare(project, annotator, second_annotator)

    assert words in client_for(annotator).get("/").content.decode()


def make_and_claim(project, user):
    make_ranking_task(project, prompt=make_prompt(project))
    return actions.claim_task(user=user, project=project, kind="rank")


def make_and_skip(project, user):
    actions.skip_task(assignment=make_and_claim(project, user))


def test_a_lease_that_ran_out_still_waits_for_whoever_had_it(client_for, project, annotator):
    assignment = make_and_claim(project, annotator)
    type(assignment).objects.update(lease_until=Now() - timedelta(seconds=1))
    actions.expire_leases()

    assert "No task is open." not in client_for(annotator).get("/").content.decode()
