"""The pages of questions, by plain forms: asking, Home, one's own, and the managers' side."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling import actions
from labeling.models import FaqEntry, Task, Thread, ThreadMessage
from tests.making import make_demonstration_task, make_prompt, make_ranking_task

pytestmark = pytest.mark.django_db

FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def assignment(project, annotator):
    make_ranking_task(project, prompt=make_prompt(project, "Why is the sky blue?"))
    return actions.claim_task(user=annotator, project=project, kind="rank")


@pytest.fixture
def thread(assignment):
    return ask(assignment)


def ask(assignment, body="Do ties count?", key="k1"):
    return actions.ask_question(assignment=assignment, body=body, idempotency_key=key).thread


def answer(thread, manager, body="They do."):
    seen = thread.messages.count()
    actions.answer_question(thread=thread, author=manager, body=body, idempotency_key="a", seen=seen)


def address(name, *subjects):
    return reverse(name, args=[subject.public_id for subject in subjects])


def text_of(client, address, **options):
    return client.get(address, **options).content.decode()


# --- asking


def test_a_plain_form_asks_and_shows_the_thread(client_for, annotator, assignment):
    client = client_for(annotator)

    sent = {"body": "Do ties count?", "idempotency_key": "k"}
    page = client.post(address("question", assignment), sent, follow=True).content.decode()

    assert "Asked; a manager answers." in page
    assert "Why is the sky blue?" in page
    assert "Do ties count?" in page
    assert "It waits for an answer" in page


def test_the_same_form_twice_asks_once_and_another_text_of_it_is_another_question(
    client_for, annotator, assignment
):
    client = client_for(annotator)

    for body in ("One?", "One?", "Two?"):
        client.post(address("question", assignment), {"body": body, "idempotency_key": "k"})

    assert list(ThreadMessage.objects.values_list("body", flat=True)) == ["One?", "Two?"]


def test_a_refused_question_comes_back_as_it_was_written(client_for, annotator, assignment):
    body = "x" * 10_001

    page = client_for(annotator).post(address("question", assignment), {"body": body}, headers=FRAGMENT)

    assert page.status_code == 400
    assert "has more than 10,000 characters" in page.content.decode()
    assert body in page.content.decode()


def test_the_dialog_of_the_page_gets_the_thread_alone(client_for, annotator, assignment, thread):
    client = client_for(annotator)

    asked = client.post(
        address("question", assignment), {"body": "And then?", "idempotency_key": "k"}, headers=FRAGMENT
    )

    for part in (text_of(client, address("question", assignment), headers=FRAGMENT), asked.content.decode()):
        assert "<html" not in part
        assert "Do ties count?" in part
    assert "And then?" in asked.content.decode()


def test_nobody_sees_the_questions_of_somebody_else_at_the_same_task(
    client_for, annotator, second_annotator, manager, project
):
    Task.objects.filter(pk=make_ranking_task(project).pk).update(seats_wanted=2)
    first = actions.claim_task(user=annotator, project=project, kind="rank")
    second = actions.claim_task(user=second_annotator, project=project, kind="rank")
    answer(ask(first), manager)
    client = client_for(second_annotator)

    assert first.task == second.task
    assert "Do ties count?" not in text_of(client, address("question", second))
    assert "Do ties count?" not in text_of(client, address("questions"))
    assert "Answered" not in text_of(client, "/")
    for name in ("question", "read-answers"):
        assert client.post(address(name, first), {"body": "x"}).status_code == 404
    assert client.get(address("question", first)).status_code == 404


def test_whoever_left_the_project_still_reads_their_questions_and_asks_no_more(
    client_for, annotator, assignment, thread, manager, project
):
    answer(thread, manager)
    actions.give_roles(project=project, user=annotator, roles=[])
    client = client_for(annotator)

    assert client.get(address("question", assignment)).status_code == 404
    page = text_of(client, address("questions"))
    assert "They do." in page
    assert address("question", assignment) not in page
    assert "Answered:" not in text_of(client, "/")


@pytest.mark.parametrize("kind", ["rank", "demonstrate"])
def test_both_pages_lead_to_the_question_and_say_when_it_is_answered(
    client_for, annotator, manager, project, kind
):
    make_demonstration_task(project) if kind == "demonstrate" else make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind=kind)
    client = client_for(annotator)
    before = text_of(client, address("assignment", assignment))

    answer(ask(assignment), manager)

    assert f'id="question-open" href="{address("question", assignment)}"' in before
    assert '<span class="badge accent">answered</span>' not in before
    assert '<span class="badge accent">answered</span>' in text_of(client, address("assignment", assignment))


# --- finding the answer


def test_home_announces_answers_until_they_are_opened(client_for, annotator, assignment, thread, manager):
    client = client_for(annotator)
    assert "Answered:" not in text_of(client, "/")
    answer(thread, manager)

    home = text_of(client, "/")
    opened = client.post(address("read-answers", assignment), follow=True).content.decode()

    assert "Answered: 1 question" in home
    assert "Why is the sky blue?" in home
    assert f'action="{address("read-answers", assignment)}"' in home
    assert "They do." in opened
    assert "Answered:" not in text_of(client, "/")


def test_looking_at_a_page_alone_marks_nothing_as_read(client_for, annotator, assignment, thread, manager):
    answer(thread, manager)
    client = client_for(annotator)

    assert "Mark as read" in text_of(client, address("question", assignment))
    assert "Mark as read" in text_of(client, address("questions"))


def test_whoever_has_asked_nothing_reads_how(client_for, annotator):
    assert "You have asked nothing yet" in text_of(client_for(annotator), address("questions"))


# --- managers


def test_a_manager_finds_what_waits_with_its_count_and_answers_it(
    client_for, manager, annotator, project, thread
):
    client = client_for(manager)
    listed = text_of(client, address("manage-questions", project))
    assert "1 open question" in text_of(client, "/")
    assert "1 open</span>" in text_of(client, address("manage", project))
    assert "Waiting for an answer" in listed
    assert "Why is the sky blue?" in listed
    assert "Ada" in listed

    sent = {"body": "They **do**.", "idempotency_key": "k", "seen": "1"}
    page = client.post(address("answer-question", thread), sent, follow=True).content.decode()

    assert "Answered and closed" in page
    assert "They <strong>do</strong>." in page
    assert "open</span>" not in text_of(client, address("manage", project))
    assert "Waiting for an answer" not in text_of(client, address("manage-questions", project))
    thread.refresh_from_db()
    assert thread.closed_by == manager


def test_the_outputs_stand_in_the_order_and_by_the_letters_of_whoever_asked(
    client_for, manager, assignment, thread
):
    texts = dict(assignment.task.slots.values_list("slot", "completion__text"))

    page = text_of(client_for(manager), address("answer-question", thread))

    places = [page.index(f"<p>{texts[slot]}</p>") for slot in assignment.display_order]
    assert places == sorted(places)
    assert page.index("Output A") < places[0] < page.index("Output B")


def test_a_refused_answer_comes_back_and_what_came_meanwhile_is_shown(
    client_for, manager, assignment, thread
):
    ask(assignment, "And how many?", key="k2")
    client = client_for(manager)

    sent = {"body": "They do.", "idempotency_key": "k", "seen": "1"}
    refused = client.post(address("answer-question", thread), sent)

    page = refused.content.decode()
    assert refused.status_code == 409
    assert "Something new was written here meanwhile" in page
    assert "And how many?" in page
    assert ">They do.</textarea>" in page
    assert 'name="seen" value="2"' in page


def test_it_is_closed_without_an_answer(client_for, manager, project, thread):
    client = client_for(manager)

    client.post(address("close-question", thread), {"seen": "1"})

    assert Thread.objects.get().closed_by == manager
    assert "Closed" in text_of(client, address("manage-questions", project))


def test_an_answer_is_worded_for_all_and_published(client_for, manager, annotator, project, thread):
    project.languages = ["en", "zh"]
    project.save()
    annotator.language = "zh-hans"
    annotator.save()
    answer(thread, manager)
    client = client_for(manager)
    offered = text_of(client, address("answer-question", thread))
    sent = {"language": "zh", "question": "可以并列吗?", "answer": "可以。"}

    client.post(address("publish-answer", thread), sent)
    client.post(address("publish-answer", thread), sent)

    assert '<option value="zh" selected>zh</option>' in offered
    assert offered.count("Do ties count?") == 2
    assert offered.count("They do.") == 2
    entry = FaqEntry.objects.get()
    assert (entry.question, entry.language, entry.author, entry.thread) == (
        "可以并列吗?",
        "zh",
        manager,
        thread,
    )
    assert "Published from it" in text_of(client, address("answer-question", thread))


def test_a_refused_publication_comes_back_with_its_words(client_for, manager, thread):
    sent = {"language": "en", "question": "Kept?", "answer": " "}

    refused = client_for(manager).post(address("publish-answer", thread), sent)

    assert refused.status_code == 400
    assert "Kept?" in refused.content.decode()
    assert not FaqEntry.objects.exists()


def test_an_entry_is_written_changed_and_retired(client_for, manager, project):
    client = client_for(manager)
    fields = {"language": "en", "question": "Do ties count?", "answer": "They do."}

    client.post(address("manage-faq", project), fields)
    first = FaqEntry.objects.get()
    client.post(address("faq-entry", first), fields | {"answer": "Always."})
    conflict = client.post(address("faq-entry", first), fields | {"answer": "Never."})
    second = FaqEntry.objects.get(retired_at=None)
    listed = text_of(client, address("manage-faq", project))
    client.post(address("retire-faq-entry", second))

    assert "changed or retired meanwhile" in conflict.content.decode()
    assert second.answer == "Always."
    assert address("faq-entry", second) in listed
    assert address("faq-entry", first) not in listed
    assert "Nothing is published yet" in text_of(client, address("manage-faq", project))
    assert "retired" in text_of(client, address("faq-entry", first))


# --- cost


def cost(client, address_):
    client.get(address_)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address_).status_code == 200
    return len(captured)


def test_no_page_costs_more_queries_when_more_is_asked(client_for, annotator, manager, project):
    client, managers_client = client_for(annotator), client_for(manager)

    def add(n):
        make_ranking_task(project)
        assignment = actions.claim_task(user=annotator, project=project, kind="rank")
        thread = ask(assignment, f"Number {n}?")
        if n % 2:
            answer(thread, manager)
            actions.publish_faq_entry(
                project=project, language="en", question=f"{n}?", answer="Yes.", author=manager, thread=thread
            )
        actions.skip_task(assignment=assignment)
        return assignment, thread

    add(1)
    assignment, thread = add(2)
    pages = [
        (client, "/"),
        (client, address("questions")),
        (client, address("question", assignment)),
        (client, address("assignment", assignment)),
        (client, address("guidelines", project)),
        (managers_client, "/"),
        (managers_client, address("manage-questions", project)),
        (managers_client, address("answer-question", thread)),
        (managers_client, address("manage-faq", project)),
    ]
    before = [cost(*page) for page in pages]
    for n in range(3, 13):
        add(n)
    for n in range(5):
        ask(assignment, f"Further {n}?", key=f"f{n}")

    assert [cost(*page) for page in pages] == before
