"""Asking about a task, answering, closing, reading: the actions and the record."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from labeling import actions, question_queries
from labeling.actions.questions import MOST_CHARACTERS
from labeling.errors import Conflict, DomainError
from labeling.models import Thread, ThreadMessage
from tests.making import make_ranking_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def assignment(project, annotator):
    make_ranking_task(project)
    return actions.claim_task(user=annotator, project=project, kind="rank")


def ask(assignment, body="Do ties count?", key="k1"):
    return actions.ask_question(assignment=assignment, body=body, idempotency_key=key)


def answer(thread, manager, body="They do.", key="a1", seen=1):
    return actions.answer_question(thread=thread, author=manager, body=body, idempotency_key=key, seen=seen)


def test_a_question_waits_in_a_thread_of_its_task(assignment, annotator, project):
    message = ask(assignment, "  Do ties count?\n")

    assert (message.body, message.author, message.kind) == ("Do ties count?", annotator, "question")
    assert list(question_queries.open_threads(project)) == [message.thread]
    assert question_queries.open_counts([project]) == {project.pk: 1}


def test_asked_twice_with_one_key_it_stands_once(assignment):
    assert ask(assignment) == ask(assignment, "Do ties count? ")

    assert ThreadMessage.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "empty_text"),
        (" \n\u3000", "empty_text"),
        ("x" * (MOST_CHARACTERS + 1), "too_long"),
        ("a\x00b", "bad_character"),
        ("\ud800", "bad_character"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_leaves_nothing(assignment, body, code):
    with pytest.raises(DomainError) as refused:
        ask(assignment, body)

    assert (refused.value.code, set(refused.value.fields)) == (code, {"body"})
    assert not Thread.objects.exists()


@pytest.mark.parametrize("key", ["", "k" * 65])
def test_a_page_without_its_key_is_refused(assignment, key):
    with pytest.raises(DomainError, match="reload"):
        ask(assignment, key=key)


def test_an_answer_closes_and_is_news_until_it_is_read(assignment, annotator, manager, project):
    thread = ask(assignment).thread

    message = answer(thread, manager)

    thread.refresh_from_db()
    assert (message.kind, thread.closed_by) == ("answer", manager)
    assert thread.closed_at is not None
    assert question_queries.has_news(assignment)
    assert question_queries.answered_questions(annotator, [project]) == [thread]

    actions.read_answers(assignment=assignment)
    actions.read_answers(assignment=assignment)

    assert not question_queries.has_news(assignment)
    assert question_queries.answered_questions(annotator, [project]) == []


def test_answered_twice_with_one_key_it_is_answered_once(assignment, manager):
    thread = ask(assignment).thread

    assert answer(thread, manager) == answer(thread, manager)

    assert thread.messages.count() == 2


@pytest.mark.parametrize(
    ("body", "code"), [(" ", "empty_text"), ("x" * 10_001, "too_long"), ("\x00", "bad_character")]
)
def test_an_answer_that_says_nothing_closes_nothing(assignment, manager, body, code):
    thread = ask(assignment).thread

    with pytest.raises(DomainError) as refused:
        answer(thread, manager, body)

    assert refused.value.code == code
    assert Thread.objects.get().closed_at is None


def test_a_further_question_opens_it_again_and_has_seen_the_answers(assignment, manager, project):
    thread = ask(assignment).thread
    answer(thread, manager)

    ask(assignment, "Always?", key="k2")

    thread.refresh_from_db()
    assert (thread.closed_at, thread.closed_by) == (None, None)
    assert not question_queries.has_news(assignment)
    assert [message.body for message in thread.messages.all()] == ["Do ties count?", "They do.", "Always?"]


def test_an_answer_to_less_than_was_asked_by_now_is_refused(assignment, manager):
    thread = ask(assignment).thread
    ask(assignment, "And how many?", key="k2")

    with pytest.raises(Conflict):
        answer(thread, manager, seen=1)
    with pytest.raises(Conflict):
        actions.close_question(thread=thread, actor=manager, seen=1)

    assert Thread.objects.get().closed_at is None
    answer(thread, manager, seen=2)
    assert Thread.objects.get().closed_at is not None


def test_closing_twice_is_closing_once_by_whoever_was_first(assignment, manager, engineer):
    thread = ask(assignment).thread

    actions.close_question(thread=thread, actor=manager, seen=1)
    actions.close_question(thread=thread, actor=engineer, seen=0)

    thread.refresh_from_db()
    assert thread.closed_by == manager
    assert not question_queries.has_news(assignment)


@pytest.mark.parametrize("body", ["", "  \n"])
def test_the_database_keeps_no_empty_message(assignment, annotator, body):
    thread = ask(assignment).thread

    with pytest.raises(IntegrityError), transaction.atomic():
        ThreadMessage.objects.create(
            thread=thread, author=annotator, kind="question", body=body, idempotency_key="x"
        )


def test_the_database_keeps_one_message_a_key_and_no_thread_closed_by_nobody(assignment, annotator):
    message = ask(assignment)

    with pytest.raises(IntegrityError), transaction.atomic():
        ThreadMessage.objects.create(
            thread=message.thread, author=annotator, kind="question", body="x", idempotency_key="k1"
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        Thread.objects.update(closed_at=message.created_at)


@pytest.mark.django_db(transaction=True)
def test_a_double_click_that_arrives_at_once_asks_once(assignment):
    barrier = threading.Barrier(2)

    def click():
        barrier.wait()
        ask(assignment)
        connection.close()

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()

    assert ThreadMessage.objects.count() == 1


def test_pages_of_questions_follow_each_other_without_repeating(annotator, project, monkeypatch):
    monkeypatch.setattr(question_queries, "PAGE", 2)
    for n in range(3):
        make_ranking_task(project)
        assignment = actions.claim_task(user=annotator, project=project, kind="rank")
        ask(assignment, f"Question {n}?")
        actions.skip_task(assignment=assignment)

    first = question_queries.questions_of(annotator)
    second = question_queries.questions_of(annotator, after=first.after)

    said = [str(thread.messages.all()[0]) for thread in [*first.threads, *second.threads]]
    assert said == ["Question 2?", "Question 1?", "Question 0?"]
    assert second.after is None
