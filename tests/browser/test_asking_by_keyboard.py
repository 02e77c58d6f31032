"""Asking the managers while at work, in a real browser: nothing that is entered is lost by it."""

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Assignment, Ranking, ThreadMessage
from labeling.rubrics.presets import PRESETS
from tests.making import make_demonstration_task, make_ranking_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FIELD = "#question-text"
ASKED = "#question-said:has-text('Asked; a manager answers.')"


@pytest.fixture
def at_task(new_page, annotator, project):
    """Opens the next task of a kind in the browser, signed in as the annotator: (page, assignment)."""

    def open_it(kind="rank", **options):
        assignment = actions.claim_task(user=annotator, project=project, kind=kind)
        page = new_page(annotator, **options)
        page.goto(reverse("assignment", args=[assignment.public_id]))
        return page, assignment

    return open_it


def ask(page, text):
    page.keyboard.press("q")
    page.wait_for_selector(f"{FIELD}:focus")
    page.keyboard.type(text)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(ASKED)


def test_asked_by_keyboard_while_ranking_answered_and_found_on_home(
    at_task, new_page, annotator, manager, project
):
    make_ranking_task(project)
    make_ranking_task(project)
    page, assignment = at_task()
    for key in "21":
        page.keyboard.press(key)

    ask(page, "Do 1 and 2 tie? q")
    assert page.locator("#question .turn").inner_text().endswith("Do 1 and 2 tie? q")
    page.keyboard.press("Enter")  # the button that closes
    assert page.locator("dialog[open]").count() == 0
    for key in "34":
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: str(assignment.public_id) not in url)

    ranking = Ranking.objects.get(submission__assignment=assignment)
    assert [ranking.places[slot - 1] for slot in assignment.display_order] == [2, 1, 3, 4]

    managers_page = new_page(manager)
    managers_page.goto(reverse("manage-questions", args=[project.public_id]))
    managers_page.get_by_role("link", name="Do 1 and 2 tie? q").click()
    managers_page.fill("#answer", "They **may**.")
    managers_page.get_by_role("button", name="Answer and close").click()
    managers_page.wait_for_selector("text=Answered and closed")

    page.goto("/")
    assert page.get_by_role("heading", name="Answered: 1 question").count() == 1
    page.locator("button.named").click()
    page.wait_for_selector("strong:has-text('may')")
    page.goto("/")
    assert page.get_by_role("heading", name="Answered").count() == 0


def test_a_draft_and_an_unsent_question_survive_and_a_digit_in_it_places_nothing(at_task, project):
    make_ranking_task(project)
    page, assignment = at_task()
    page.keyboard.press("3")
    page.keyboard.press("q")
    page.wait_for_selector(f"{FIELD}:focus")
    page.keyboard.type("Is 1 or 2 better?")
    page.wait_for_selector("#saved:has-text('✓')", state="attached")

    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    page.reload()
    page.keyboard.press("q")
    page.wait_for_selector(f"{FIELD}:focus")

    assert page.locator(FIELD).input_value() == "Is 1 or 2 better?"
    assert Assignment.objects.get(pk=assignment.pk).draft == {"places": {"1": 3}}
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(ASKED)
    assert page.locator(FIELD).input_value() == ""


def test_a_double_press_asks_once(at_task, project):
    make_ranking_task(project)
    page, _ = at_task()
    page.keyboard.press("q")
    page.wait_for_selector(f"{FIELD}:focus")
    page.keyboard.type("Once?")

    page.evaluate("const form = document.querySelector('.ask'); form.requestSubmit(); form.requestSubmit()")
    page.wait_for_selector(ASKED)

    assert [message.body for message in ThreadMessage.objects.all()] == ["Once?"]


def test_without_a_connection_the_question_stays_and_says_so(at_task, project):
    make_ranking_task(project)
    page, _ = at_task()
    page.keyboard.press("q")
    page.wait_for_selector(f"{FIELD}:focus")
    page.keyboard.type("Is there anybody?")

    page.context.set_offline(True)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#question-said:has-text('there is no connection')")
    assert page.locator(FIELD).input_value() == "Is there anybody?"
    page.context.set_offline(False)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(ASKED)

    assert ThreadMessage.objects.count() == 1


def test_an_answer_that_came_meanwhile_is_read_in_the_dialog(at_task, manager, project):
    make_ranking_task(project)
    page, _ = at_task()
    ask(page, "Do ties count?")
    thread = ThreadMessage.objects.get().thread
    actions.answer_question(thread=thread, author=manager, body="They do.", idempotency_key="a", seen=1)

    page.reload()
    assert page.locator("#question-open .badge").inner_text() == "answered"
    with page.expect_response(lambda answer: "/question/read/" in answer.url):
        page.locator("#question-open").click()
    page.wait_for_selector("#question .turn.assistant:has-text('They do.')")

    assert page.locator("#question-open .badge").count() == 0
    assert ThreadMessage.objects.get(kind="answer").read_at is not None


def test_while_rating_the_key_is_no_letter_of_a_flag_and_no_key_of_an_input_method(at_task, project):
    actions.publish_rubric(project=project, questions=PRESETS["instructgpt"], author=None)
    make_ranking_task(project)
    page, _ = at_task()

    for composing in ("isComposing: true", "keyCode: 229"):
        page.evaluate(
            f"document.dispatchEvent(new KeyboardEvent('keydown', {{key: 'q', {composing}, bubbles: true}}))"
        )
    assert page.locator("dialog[open]").count() == 0
    ask(page, "Rate first?")

    assert page.locator(".output :checked, #about-prompt :checked").count() == 0


def test_asked_while_writing_the_text_stays(at_task, project):
    make_demonstration_task(project)
    page, assignment = at_task("demonstrate")
    page.locator("textarea").press_sequentially("A careful q sentence.")
    page.keyboard.press("Escape")

    ask(page, "How long may it be?")
    page.keyboard.press("Escape")

    assert page.locator("#work textarea").input_value() == "A careful q sentence."
    page.locator("#work textarea").press("Control+Enter")
    page.wait_for_selector("text=Nothing to write right now")
    assert assignment.submissions.get().demonstration.completion.text == "A careful q sentence."
    assert ThreadMessage.objects.get().body == "How long may it be?"


def test_without_javascript_the_question_opens_beside_the_task(at_task, project):
    make_ranking_task(project)
    page, _ = at_task(java_script_enabled=False)

    with page.expect_popup() as opened:
        page.locator("#question-open").click()
    asking = opened.value
    asking.fill(FIELD, "Do ties count?")
    asking.get_by_role("button", name="Ask").click()

    asking.wait_for_selector("text=Asked; a manager answers.")
    assert ThreadMessage.objects.get().body == "Do ties count?"
    assert page.locator("#work").count() == 1


def test_the_first_load_brings_no_more_than_before(new_page, annotator, project):
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    page, asked = new_page(annotator), []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(reverse("assignment", args=[assignment.public_id]), wait_until="load")

    assert not [url for url in asked if "asking" in url or "/question" in url]


@pytest.mark.parametrize("kind", ["rank", "demonstrate"])
def test_on_a_phone_nothing_scrolls_sideways(at_task, manager, project, kind):
    actions.publish_faq_entry(
        project=project, language="en", question="w" * 300, answer="x" * 300, author=manager
    )
    make_demonstration_task(project) if kind == "demonstrate" else make_ranking_task(project)
    page, _ = at_task(kind, viewport={"width": 390, "height": 800}, has_touch=True)

    page.locator("#question-open").tap()
    page.locator(FIELD).fill("y" * 300)
    page.get_by_role("button", name="Ask").tap()
    page.wait_for_selector(ASKED)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("(d => d.scrollWidth <= d.clientWidth)(document.getElementById('question'))")
