import re
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from labeling import actions
from labeling.models import Assignment, Submission
from tests.making import make_demonstration_task, make_ranking_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def assignment(project, annotator):
    make_ranking_task(project, ["alpha", "beta", "gamma", "delta"])
    return actions.claim_task(user=annotator, project=project, kind="rank")


@pytest.fixture
def page(client_for, annotator, assignment):
    return client_for(annotator).get(reverse("assignment", args=[assignment.public_id])).content.decode()


def test_the_page_shows_the_conversation_and_every_output_in_full(page, assignment):
    assert assignment.task.prompt.messages[0]["content"] in page
    for text in ("alpha", "beta", "gamma", "delta"):
        assert text in page


def test_the_page_names_outputs_by_their_number_and_nothing_else(page, assignment):
    for slot in assignment.task.slots.all():
        assert str(slot.completion.public_id) not in page
        assert f'"{slot.completion.pk}"' not in page
    assert re.findall(r'name="(place-\d+)"', page) == [f"place-{n}" for n in range(1, 5)]
    for name in ("policy", "SmolLM", "model", "temperature"):
        assert name.lower() not in page.lower()


def test_outputs_stand_in_the_order_drawn_for_this_person(page, assignment):
    texts = dict(assignment.task.slots.values_list("slot", "completion__text"))
    shown = [texts[slot] for slot in assignment.display_order]
    assert sorted(shown, key=page.index) == shown


def test_a_submitted_form_leads_to_the_next_task(client_for, annotator, assignment, project):
    following = make_ranking_task(project)
    Assignment.objects.update(claimed_at=Now() - timedelta(minutes=1))
    client = client_for(annotator)

    answer = client.post(
        reverse("submit", args=[assignment.public_id]),
        {"idempotency_key": "k", "active_seconds": "42", **{f"place-{n}": n for n in range(1, 5)}},
    )

    submission = Submission.objects.get()
    assert submission.active_seconds == 42
    assert answer.url == reverse("assignment", args=[following.assignments.get().public_id])


def test_after_the_last_task_the_page_says_so(client_for, annotator, assignment):
    answer = client_for(annotator).post(
        reverse("submit", args=[assignment.public_id]),
        {"idempotency_key": "k", **{f"place-{n}": n for n in range(1, 5)}},
        follow=True,
    )

    assert "Nothing to rank right now" in answer.content.decode()


def test_a_refused_form_comes_back_with_the_reason_and_what_was_entered(client_for, annotator, assignment):
    answer = client_for(annotator).post(
        reverse("submit", args=[assignment.public_id]),
        {"idempotency_key": "k", "place-1": "3", "place-2": "1"},
    )

    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Output C has no place yet" in page
    assert re.search(r'name="place-1"[^>]*value="3"', page)
    assert Submission.objects.count() == 0


def test_a_repeated_output_is_refused(client_for, annotator, assignment):
    answer = client_for(annotator).post(
        reverse("submit", args=[assignment.public_id]),
        {"idempotency_key": "k", "place-1": ["1", "2"], "place-2": "2", "place-3": "3", "place-4": "4"},
    )

    assert answer.status_code == 400
    assert "Output A has two places" in answer.content.decode()


def test_a_submission_stands_even_if_the_project_was_paused_meanwhile(
    client_for, annotator, assignment, project
):
    from django.db.models.functions import Now

    type(project).objects.update(paused_at=Now())
    answer = client_for(annotator).post(
        reverse("submit", args=[assignment.public_id]),
        {"idempotency_key": "k", **{f"place-{n}": n for n in range(1, 5)}},
        follow=True,
    )

    assert Submission.objects.count() == 1
    assert "paused" in answer.content.decode()
    assert "Nothing was changed" not in answer.content.decode()


def test_skipping_leads_on_and_gives_the_seat_back(client_for, annotator, assignment):
    client_for(annotator).post(reverse("skip", args=[assignment.public_id]))

    assignment.refresh_from_db()
    assignment.task.refresh_from_db()
    assert assignment.status == "skipped"
    assert assignment.task.seats_taken == 0


def test_a_draft_is_kept_and_shown_again(client_for, annotator, assignment):
    client = client_for(annotator)
    answer = client.post(
        reverse("draft", args=[assignment.public_id]),
        {"draft": {"places": {"2": 1}}, "version": 0},
        content_type="application/json",
    )

    assert answer.json() == {"version": 1, "status": "leased", "holds_seat": True}
    page = client.get(reverse("assignment", args=[assignment.public_id])).content.decode()
    assert re.search(r'name="place-2"[^>]*value="1"', page)


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"draft": 1, "version": 0}', '{"draft": {}, "version": "x"}']
)
def test_an_unreadable_draft_is_refused(client_for, annotator, assignment, body):
    answer = client_for(annotator).post(
        reverse("draft", args=[assignment.public_id]), body, content_type="application/json"
    )

    assert answer.status_code == 400
    assert Assignment.objects.get().draft == {}


def test_another_persons_assignment_is_not_found(client_for, second_annotator, assignment):
    client = client_for(second_annotator)

    assert client.get(reverse("assignment", args=[assignment.public_id])).status_code == 404
    assert client.post(reverse("submit", args=[assignment.public_id])).status_code == 404
    assert client.post(reverse("skip", args=[assignment.public_id])).status_code == 404


def test_a_written_answer_is_taken_and_an_empty_one_comes_back(client_for, annotator, project):
    make_demonstration_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="demonstrate")
    client = client_for(annotator)
    url = reverse("submit", args=[assignment.public_id])

    refused = client.post(url, {"idempotency_key": "a", "text": "  "})
    taken = client.post(url, {"idempotency_key": "b", "text": "An answer."})

    assert refused.status_code == 400
    assert "Write an answer first" in refused.content.decode()
    assert taken.status_code == 302
    assert Submission.objects.get().demonstration.completion.text == "An answer."


def test_the_policy_of_the_page_forbids_inline_script(client_for, annotator, assignment):
    answer = client_for(annotator).get(reverse("assignment", args=[assignment.public_id]))

    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy


def test_a_page_costs_the_same_queries_whatever_waits(
    client_for, annotator, assignment, project, django_assert_max_num_queries
):
    client = client_for(annotator)
    for _ in range(20):
        make_ranking_task(project)

    with django_assert_max_num_queries(15):
        client.get(reverse("assignment", args=[assignment.public_id]))
