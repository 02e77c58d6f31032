"""What PostgreSQL cannot keep is refused with a sentence, in every field that a page or a program sends."""

import json

import pytest
from django.urls import reverse

from labeling import actions
from labeling.errors import DomainError
from labeling.models import Submission
from tests.making import make_author, make_demonstration_task, make_ranking_task

NUL, HALF = "a\x00b", "a\ud800b"


@pytest.fixture
def writing(project, annotator):
    make_demonstration_task(project)
    return actions.claim_task(user=annotator, project=project, kind="demonstrate")


@pytest.mark.parametrize("field", ["text", "comment"])
def test_a_nul_in_an_answer_is_told_and_the_answer_stays_on_the_page(field, writing, client_for, annotator):
    sent = {"text": "An answer.", "comment": "", "idempotency_key": "k"} | {field: NUL}

    answer = client_for(annotator).post(reverse("submit", args=[writing.public_id]), sent)

    assert answer.status_code == 400
    assert "NUL" in answer.content.decode()
    assert "An answer." in answer.content.decode() or field == "text"
    assert not Submission.objects.exists()


def test_a_nul_in_the_comment_of_a_ranking_is_told(project, annotator, client_for):
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    sent = {"place-1": 1, "place-2": 2, "place-3": 3, "place-4": 4, "comment": NUL, "idempotency_key": "k"}

    answer = client_for(annotator).post(reverse("submit", args=[assignment.public_id]), sent)

    assert answer.status_code == 400


@pytest.mark.parametrize("text", [NUL, HALF])
@pytest.mark.parametrize("shape", ["value", "key", "deep"])
def test_a_draft_that_cannot_be_kept_is_refused(text, shape, writing, client_for, annotator):
    draft = {"value": {"text": text}, "key": {text: 1}, "deep": {"places": [[{"x": text}]]}}[shape]

    answer = client_for(annotator).post(
        reverse("draft", args=[writing.public_id]),
        json.dumps({"draft": draft, "version": 0}),
        content_type="application/json",
    )

    assert answer.status_code == 400
    assert "NUL" in answer.json()["message"]


@pytest.mark.parametrize("text", [NUL, HALF])
@pytest.mark.parametrize("field", ["messages", "external_id", "metadata"])
def test_a_prompt_that_cannot_be_kept_is_refused(text, field, project):
    fields = {
        "messages": [{"role": "user", "content": text if field == "messages" else "Hi."}],
        "external_id": text if field == "external_id" else "",
        "metadata": {"team": text} if field == "metadata" else {},
    }

    with pytest.raises(DomainError, match="NUL"):
        actions.add_prompt(project=project, author=make_author(), **fields)


@pytest.mark.parametrize("address", ["/?x=%00", "/accounts/login/?next=%00"])
def test_a_nul_in_an_address_is_no_error_of_the_database(address, client_for, annotator):
    assert client_for(annotator).get(address).status_code == 400
