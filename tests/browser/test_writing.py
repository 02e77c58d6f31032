"""Writing an answer in a real browser: preview by key, tokens, what is pasted, the declaration."""

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Assignment, Demonstration, Submission
from tests.labeling.test_token_counts import write_tokenizer
from tests.making import make_demonstration_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SAVED = "#saved:has-text('Saved')"
QUESTION = "Why is the sky blue?"


@pytest.fixture
def assignment(project, annotator):
    make_demonstration_task(project, text=QUESTION)
    return actions.claim_task(user=annotator, project=project, kind="demonstrate")


@pytest.fixture
def address(assignment):
    return reverse("assignment", args=[assignment.public_id])


def copy(page, selector):
    """Select an element's text and copy it, as a person does."""
    page.keyboard.press("Escape")
    page.locator(selector).first.evaluate("(element) => getSelection().selectAllChildren(element)")
    page.keyboard.press("Control+C")


def test_the_preview_comes_and_goes_by_key_and_the_text_stays(new_page, annotator, assignment, address):
    page = new_page(annotator)
    page.goto(address)
    page.keyboard.type("**Bold** words")

    page.keyboard.press("Alt+p")
    page.wait_for_selector("#text-preview strong:has-text('Bold')")
    assert not page.locator("textarea").is_visible()
    assert page.locator("#preview").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Alt+p")
    page.keyboard.type(" more")

    assert page.locator("textarea").input_value() == "**Bold** words more"
    assert not page.locator("#text-preview").is_visible()
    page.click("#preview")
    page.wait_for_selector("#text-preview:has-text('words more')")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Nothing to write right now")
    assert Demonstration.objects.get().completion.text == "**Bold** words more"


def test_an_empty_preview_does_not_keep_from_being_told_what_is_missing(new_page, annotator, address):
    page = new_page(annotator)
    page.goto(address)

    page.keyboard.press("Alt+p")
    page.wait_for_selector("text=Nothing is written yet.")
    page.click("#submit")

    assert page.locator("textarea").is_visible()
    assert Submission.objects.count() == 0


def test_without_javascript_the_preview_keeps_the_text_and_the_declaration(
    new_page, annotator, assignment, address
):
    page = new_page(annotator, java_script_enabled=False)
    page.goto(address)
    page.fill("textarea", "**Bold** words")
    page.check("[name=assistance][value=written]")

    page.click("#preview")

    assert page.inner_text("#text-preview strong") == "Bold"
    assert page.locator("textarea").input_value() == "**Bold** words"
    assert page.is_checked("[name=assistance][value=written]")
    assert Submission.objects.count() == 0
    page.click("#submit")
    written = Demonstration.objects.get()
    assert (written.completion.text, written.assistance) == ("**Bold** words", "written")
    assert written.pasted_characters is None


def test_words_and_tokens_are_counted_while_it_is_written(new_page, annotator, project, address, tmp_path):
    path = write_tokenizer(tmp_path / "tokenizer.json", ["fine"])
    actions.set_tokenizer(project=project, path=str(path))
    page = new_page(annotator)
    page.goto(address)

    page.keyboard.type("a fine text")

    page.wait_for_selector("#tokens:has-text('3 tokens')")
    assert page.inner_text("#length") == "3 words"


def test_where_nobody_can_count_tokens_nothing_is_shown_and_nothing_asked(new_page, annotator, address):
    page = new_page(annotator)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)

    page.keyboard.type("a fine text")
    page.wait_for_selector(SAVED)

    assert page.inner_text("#tokens") == ""
    assert not [url for url in asked if "token-count" in url]


def test_what_is_pasted_is_counted_shown_and_stored_and_moving_one_s_own_text_is_not(
    new_page, annotator, address
):
    page = new_page(annotator)
    page.goto(address)
    copy(page, ".turn.user .text p")
    page.locator("textarea").focus()
    page.keyboard.press("Control+V")
    page.keyboard.type(" " + "x" * 19)

    assert page.locator("textarea").input_value() == QUESTION + " " + "x" * 19
    assert page.inner_text("#pasted") == "50 % pasted"
    page.keyboard.press("Control+A")
    page.keyboard.press("Control+X")
    page.keyboard.press("Control+V")
    assert page.inner_text("#pasted") == "50 % pasted"

    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Nothing to write right now")
    assert Demonstration.objects.get().pasted_characters == len(QUESTION) == 20


def test_what_is_dropped_counts_as_pasted(new_page, annotator, address):
    page = new_page(annotator)
    page.goto(address)

    page.locator(".turn.user .text p").evaluate("(element) => getSelection().selectAllChildren(element)")
    page.drag_and_drop(".turn.user .text p", "textarea", source_position={"x": 20, "y": 8})

    page.wait_for_selector("#pasted:has-text('100 % pasted')")


def test_a_draft_keeps_the_declaration_and_what_was_pasted(new_page, annotator, assignment, address):
    page = new_page(annotator)
    page.goto(address)
    copy(page, ".turn.user .text p")
    page.locator("textarea").focus()
    page.keyboard.press("Control+V")
    page.check("[name=assistance][value=edited]")
    page.fill("[name=assistance_tool]", "A tool")
    page.wait_for_selector(SAVED)

    page.reload()

    assert page.inner_text("#pasted") == "100 % pasted"
    assert page.is_checked("[name=assistance][value=edited]")
    assert page.input_value("[name=assistance_tool]") == "A tool"
    draft = Assignment.objects.get().draft
    assert (draft["pasted_characters"], draft["assistance"]) == ("20", "edited")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Nothing to write right now")
    written = Demonstration.objects.get()
    assert (written.pasted_characters, written.assistance) == (20, "edited")
    assert written.assistance_tool == "A tool"


def test_enter_in_the_name_of_a_tool_sends_nothing(new_page, annotator, address):
    page = new_page(annotator)
    page.goto(address)
    page.keyboard.type("Text")

    page.locator("[name=assistance_tool]").press("Enter")

    assert page.locator("textarea").is_visible()
    assert Submission.objects.count() == 0


def test_in_chinese_characters_are_counted_and_composing_is_left_alone(
    new_page, annotator, assignment, address
):
    actions.choose_language(user=annotator, language="zh-hans")
    page = new_page(annotator)
    page.goto(address)
    devices = page.context.new_cdp_session(page)
    devices.send("Input.imeSetComposition", {"text": "tian", "selectionStart": 4, "selectionEnd": 4})
    composing = {"isComposing": True, "bubbles": True, "cancelable": True}
    for key in ({"key": "Enter", "ctrlKey": True}, {"key": "p", "code": "KeyP", "altKey": True}):
        page.locator("textarea").dispatch_event("keydown", composing | key)

    assert page.locator("textarea").is_visible()
    devices.send("Input.insertText", {"text": "天是蓝的"})

    assert page.locator("textarea").input_value() == "天是蓝的"
    assert page.inner_text("#length").startswith("4 ")
    assert "字" in page.inner_text("#length")
    assert Submission.objects.count() == 0
