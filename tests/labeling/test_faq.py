"""Questions and answers for all: publishing, changing, retiring, and who reads them in which language."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from labeling import actions, question_queries
from labeling.errors import Conflict, DomainError
from labeling.models import FaqEntry, Project
from tests.making import make_demonstration_task, make_ranking_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry(project, manager):
    return publish(project, manager)


def publish(project, author, question="Do ties count?", answer="They **do**.", language="en"):
    return actions.publish_faq_entry(
        project=project, language=language, question=question, answer=answer, author=author
    )


def change(entry, author, answer, language="en", question="Do ties count?"):
    return actions.change_faq_entry(
        entry=entry, language=language, question=question, answer=answer, author=author
    )


def read(project, language="en"):
    return [entry.question for entry in question_queries.faq_of(project, language)]


def test_entries_stand_in_the_order_of_their_publication_and_the_same_twice_is_one(project, manager):
    first = publish(project, manager)
    publish(project, manager, "How long?")
    again = publish(project, manager)

    assert again == first
    assert read(project) == ["Do ties count?", "How long?"]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"question": " "}, "empty_text", "question"),
        ({"answer": ""}, "empty_text", "answer"),
        ({"answer": "x" * 10_001}, "too_long", "answer"),
        ({"question": "\x00"}, "bad_character", "question"),
        ({"language": "fr"}, "unknown_language", "language"),
    ],
)
def test_what_cannot_be_published_is_refused_beside_its_field(project, manager, fields, code, field):
    with pytest.raises(DomainError) as refused:
        publish(project, manager, **fields)

    assert (refused.value.code, set(refused.value.fields)) == (code, {field})
    assert not FaqEntry.objects.exists()


def test_a_new_text_takes_the_place_of_the_old_which_stays_in_the_record(project, manager, entry):
    publish(project, manager, "How long?")

    new = change(entry, manager, "They do, always.")

    assert read(project) == ["Do ties count?", "How long?"]
    assert question_queries.faq_of(project, "en")[0] == new
    entry.refresh_from_db()
    assert entry.retired_at is not None
    assert entry.answer == "They **do**."


def test_the_same_text_changes_nothing(manager, entry):
    assert change(entry, manager, "They **do**.") == entry

    assert FaqEntry.objects.count() == 1


def test_what_was_changed_meanwhile_is_not_changed_again(manager, entry):
    change(entry, manager, "First.")

    with pytest.raises(Conflict):
        change(entry, manager, "Second.")

    assert FaqEntry.objects.get(retired_at=None).answer == "First."


def test_a_retired_entry_is_read_no_more_and_retiring_twice_is_once(project, entry):
    actions.retire_faq_entry(entry=entry, actor=None)
    entry.refresh_from_db()
    retired_at = entry.retired_at
    actions.retire_faq_entry(entry=entry, actor=None)

    assert read(project) == []
    entry.refresh_from_db()
    assert entry.retired_at == retired_at


@pytest.mark.parametrize("language", ["zh-hans", "zh"])
def test_each_reads_in_their_language_else_in_english_else_in_any(project, manager, language):
    Project.objects.update(languages=["en", "zh", "de"])
    project.refresh_from_db()
    publish(project, manager, "Zählen Gleichstände?", language="de")
    assert read(project, language) == ["Zählen Gleichstände?"]
    publish(project, manager)
    assert read(project, language) == ["Do ties count?"]
    publish(project, manager, "可以并列吗?", language="zh")
    assert read(project, language) == ["可以并列吗?"]
    assert read(project, "fr") == ["Do ties count?"]


def test_the_database_keeps_no_empty_entry_and_one_in_a_place(project, manager, entry):
    fields = {"project": project, "language": "en", "author": manager}
    with pytest.raises(IntegrityError), transaction.atomic():
        FaqEntry.objects.create(position=2, question="Why?", answer=" ", **fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        FaqEntry.objects.create(position=entry.position, question="Why?", answer="So.", **fields)


@pytest.mark.parametrize("kind", ["rank", "demonstrate"])
def test_they_stand_below_the_guidelines_wherever_these_are_read(client_for, annotator, project, entry, kind):
    actions.publish_guidelines(project=project, language="en", body="Be kind.", author=None)
    make_demonstration_task(project) if kind == "demonstrate" else make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind=kind)
    client = client_for(annotator)

    for address in (
        reverse("guidelines", args=[project.public_id]),
        reverse("assignment", args=[assignment.public_id]),
    ):
        page = client.get(address).content.decode()
        assert "Do ties count?" in page
        assert "They <strong>do</strong>." in page
        assert page.index("Be kind.") < page.index("Do ties count?")


def test_a_project_with_entries_and_no_guidelines_shows_them(client_for, annotator, project, entry):
    page = client_for(annotator).get(reverse("guidelines", args=[project.public_id])).content.decode()

    assert "no guidelines yet" in page
    assert "Do ties count?" in page
