"""The page on which a demonstration is written, without its script."""

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Demonstration, Submission
from tests.making import make_demonstration_task, make_ranking_task

pytestmark = pytest.mark.django_db

ENTERED = {
    "text": "# Yes\n\n**Because** of that.",
    "pasted_characters": "7",
    "assistance": "edited",
    "assistance_tool": "A <tool>",
    "idempotency_key": "k",
}


@pytest.fixture
def assignment(project, annotator):
    make_demonstration_task(project)
    return actions.claim_task(user=annotator, project=project, kind="demonstrate")


def ask(client, name, assignment, entered=ENTERED, **headers):
    return client.post(reverse(name, args=[assignment.public_id]), entered, headers=headers)


def page_of(client, assignment):
    return client.get(reverse("assignment", args=[assignment.public_id])).content.decode()


def test_the_preview_is_the_page_again_with_all_that_was_entered_and_nothing_submitted(
    client_for, annotator, assignment
):
    page = ask(client_for(annotator), "preview-demonstration", assignment).content.decode()

    assert "<h1>Yes</h1>" in page and "<strong>Because</strong>" in page
    assert "**Because** of that.</textarea>" in page
    assert 'name="pasted_characters" value="7"' in page
    assert 'value="edited" checked' in page
    assert 'value="A &lt;tool&gt;"' in page
    assert Submission.objects.count() == 0


def test_the_script_is_answered_with_the_text_alone(client_for, annotator, assignment):
    answer = ask(client_for(annotator), "preview-demonstration", assignment, **{"HX-Request": "true"})

    assert answer.content.decode().startswith('<div class="text" dir="auto" lang="en"><h1>Yes</h1>')


def test_an_empty_text_has_an_empty_preview(client_for, annotator, assignment):
    page = ask(client_for(annotator), "preview-demonstration", assignment, {"text": " "}).content.decode()

    assert "Nothing is written yet." in page


def test_a_task_to_rank_has_no_such_preview(client_for, annotator, project):
    make_ranking_task(project)
    ranking = actions.claim_task(user=annotator, project=project, kind="rank")

    assert ask(client_for(annotator), "preview-demonstration", ranking).status_code == 404


def test_what_was_pasted_and_declared_is_stored_with_the_answer_and_shown_again(
    client_for, annotator, assignment
):
    client = client_for(annotator)
    ask(client, "submit", assignment)

    written = Demonstration.objects.get()
    assert (written.pasted_characters, written.assistance) == (7, "edited")
    assert written.assistance_tool == "A <tool>"
    assert written.pasted_share == 7 / 27
    page = page_of(client, assignment)
    assert 'name="pasted_characters" value="7"' in page and 'value="edited" checked' in page


def test_a_page_without_its_script_counts_nothing_pasted(client_for, annotator, assignment):
    ask(client_for(annotator), "submit", assignment, {"text": "Short.", "pasted_characters": ""})

    written = Demonstration.objects.get()
    assert (written.pasted_characters, written.pasted_share, written.assistance) == (None, None, "")


def test_more_pasted_than_is_left_is_all_of_it(client_for, annotator, assignment):
    ask(client_for(annotator), "submit", assignment, {"text": "Short.", "pasted_characters": "900"})

    assert Demonstration.objects.get().pasted_share == 1


def test_a_declaration_that_is_none_of_the_words_blocks_nothing(client_for, annotator, assignment):
    ask(client_for(annotator), "submit", assignment, {"text": "Short.", "assistance": "perhaps"})

    assert Demonstration.objects.get().assistance == ""


def test_a_manager_sees_the_answer_with_what_was_pasted_and_declared(
    client_for, annotator, manager, assignment
):
    ask(client_for(annotator), "submit", assignment)

    address = reverse("manage-task", args=[assignment.task.public_id])
    page = client_for(manager).get(address).content.decode()

    assert "<strong>Because</strong>" in page
    assert "26 % pasted" in page
    assert "edited with a tool" in page and "A &lt;tool&gt;" in page
