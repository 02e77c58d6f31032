"""A whole session by keyboard alone, in the Chinese interface, with an input method composing."""

import pytest
from django.utils.translation import gettext, override

from labeling import actions
from labeling.models import Demonstration, Ranking, Submission, User
from labeling.rubrics.presets import PRESETS
from tests.conftest import PASSWORD
from tests.making import make_demonstration_task, make_ranking_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OF_THE_INPUT_METHOD = 229  # the code of every key that an input method takes


@pytest.fixture
def session(new_page, annotator, project):
    """Somebody whose interface is Chinese, in front of the page to sign in."""
    User.objects.update(language="zh-hans")
    actions.publish_rubric(project=project, questions=PRESETS["overall"], author=None)
    page = new_page(locale="zh-CN")
    page.goto("/")
    return page


def chinese(text):
    with override("zh-hans"):
        return gettext(text)


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def tab_to(page, text):
    """Press Tab until the focus is on what bears this text."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if text in page.evaluate("document.activeElement.textContent"):
            return
    pytest.fail(f"Tab never comes to {text!r}")


def compose(page, letters, text, *, taken=("Enter", "1", "s")):
    """Letters one by one into the input method; it takes some keys for itself, then gives the text."""
    debugger = page.context.new_cdp_session(page)
    for length in range(1, len(letters) + 1):
        where = {"selectionStart": length, "selectionEnd": length}
        debugger.send("Input.imeSetComposition", {"text": letters[:length], **where})
    for key in taken:
        code = {"key": key, "windowsVirtualKeyCode": OF_THE_INPUT_METHOD}
        debugger.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **code})
        debugger.send("Input.dispatchKeyEvent", {"type": "keyUp", **code})
    debugger.send("Input.insertText", {"text": text})


def test_signing_in_rating_ranking_with_a_tie_and_reasons_in_chinese(session, annotator, project):
    make_ranking_task(project)
    make_ranking_task(project)
    page = session
    page.locator("[name=login]").focus()
    page.keyboard.type(annotator.email)
    press(page, "Tab")
    page.keyboard.type(PASSWORD)
    press(page, "Enter")
    page.wait_for_selector(f"text={chinese('What waits for you')}")

    tab_to(page, chinese("Rank outputs"))
    press(page, "Enter")
    page.wait_for_selector("[data-mode=rate]")
    address = page.url
    press(page, "6", "Enter", "5", "Enter", "5", "Enter", "2", "Enter")
    press(page, "1", "2", "=", "3", "c")
    compose(page, "nihao", "第一个更好")
    assert page.locator("textarea[name=comment]").input_value() == "第一个更好"
    assert page.url == address and Submission.objects.count() == 0
    press(page, "Escape", "Enter")
    page.wait_for_url(lambda url: url != address)

    submission = Submission.objects.get()
    shown = submission.assignment.display_order
    assert submission.comment == "第一个更好"
    assert [Ranking.objects.get().places[slot - 1] for slot in shown] == [1, 2, 2, 3]
    assert page.evaluate("document.documentElement.lang") == "zh-hans"
    assert page.title() == f"{chinese('Rank outputs')} · Preceptor"
    press(page, "4", "Enter", "4", "Enter", "4", "Enter", "4", "Enter", "1", "1", "1", "1", "Enter")
    page.wait_for_selector(f"text={chinese('Nothing to rank right now')}")
    assert Submission.objects.count() == 2


def test_an_answer_is_composed_counted_in_characters_and_sent(new_page, annotator, project):
    User.objects.update(language="zh-hans")
    make_demonstration_task(project)
    page = new_page(annotator, locale="zh-CN")
    page.goto("/")
    tab_to(page, chinese("Write answers"))
    press(page, "Enter")
    page.wait_for_selector("#length:not(:empty)")
    assert page.locator("textarea:focus").count() == 1

    compose(page, "nihao", "你好，")
    compose(page, "shijie", "世界。")
    assert page.locator("#length").inner_text() == f"6 {chinese('characters')}"
    assert Submission.objects.count() == 0
    press(page, "Control+Enter")
    page.wait_for_selector(f"text={chinese('Nothing to write right now')}")

    assert Demonstration.objects.get().completion.text == "你好，世界。"


def test_while_the_input_method_composes_control_and_enter_do_not_send(new_page, annotator, project):
    make_demonstration_task(project)
    page = new_page(annotator)
    page.goto("/")
    tab_to(page, "Write answers")
    press(page, "Enter")
    page.wait_for_selector("#length:not(:empty)")
    assert page.locator("textarea:focus").count() == 1
    debugger = page.context.new_cdp_session(page)

    debugger.send("Input.imeSetComposition", {"text": "ni", "selectionStart": 2, "selectionEnd": 2})
    press(page, "Control+Enter")
    debugger.send("Input.insertText", {"text": "你"})
    page.wait_for_selector("#saved:has-text('✓')")

    assert page.locator("textarea").input_value() == "你"
    assert Submission.objects.count() == 0
