"""Where the keyboard is after a part of the page was replaced."""

import pytest
from django.urls import reverse

from labeling import actions
from labeling.rubrics.presets import PRESETS
from tests.making import make_demonstration_task, make_ranking_task
from tests.scene import make_working_run
from tests.training.making import make_promoted, make_version
from training.models import Run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FOCUSED = "document.activeElement.id || document.activeElement.name || document.activeElement.textContent"


@pytest.fixture
def at_task(new_page, annotator, project):
    def open_it(kind="rank"):
        assignment = actions.claim_task(user=annotator, project=project, kind=kind)
        page = new_page(annotator)
        page.goto(reverse("assignment", args=[assignment.public_id]))
        return page

    return open_it


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def focused(page):
    return page.evaluate(FOCUSED)


def test_after_a_ranking_the_focus_is_at_the_next_task_and_its_keys_act(at_task, project):
    make_ranking_task(project)
    make_ranking_task(project)
    page = at_task()
    before = page.url

    page.locator("#skip").focus()
    press(page, "1", "2", "3", "4")
    page.locator("#submit").focus()
    press(page, "Enter")
    page.wait_for_url(lambda url: url != before)

    assert focused(page) == "main"
    assert page.locator("#main").get_attribute("aria-label") == "Rank outputs · Preceptor"
    press(page, "3")
    assert page.locator("[name=place-1]").input_value() == "3"
    press(page, "Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_after_an_answer_the_focus_is_in_the_next_text(at_task, project):
    make_demonstration_task(project)
    make_demonstration_task(project)
    page = at_task("demonstrate")
    before = page.url

    page.keyboard.type("One.")
    press(page, "Control+Enter")
    page.wait_for_url(lambda url: url != before)
    page.keyboard.type("Two.")

    assert page.locator("textarea").input_value() == "Two."


def test_a_dialog_gives_the_focus_back(at_task, project):
    make_ranking_task(project)
    page = at_task()
    page.locator("#help-open").focus()

    press(page, "Enter")
    page.wait_for_selector("#help[open]")
    press(page, "Escape")

    assert focused(page) == "help-open"


def test_the_rail_and_the_texts_are_redrawn_around_the_focus(at_task, project):
    actions.publish_rubric(project=project, questions=PRESETS["overall"], author=None)
    make_ranking_task(project)
    page = at_task()
    # Focus by keyboard, as :focus-visible sees it.
    press(page, "Tab")

    page.locator(".rail-ratings button").nth(2).focus()
    press(page, "Enter")
    assert focused(page) == "C"
    press(page, "m")
    page.locator(".rail-number").nth(1).focus()
    press(page, "Enter")
    assert focused(page) == "2"
    assert page.locator("[name=place-3]").input_value() == "2"
    page.locator("#raw").focus()
    press(page, "Enter")
    page.wait_for_selector(".text.raw")

    assert focused(page) == "raw"


def test_after_a_click_in_the_rail_enter_is_the_page_again(at_task, project):
    make_ranking_task(project, ["one", "two", "three"])
    page = at_task()

    for place in (1, 2, 3):
        page.locator(".rail-number").nth(place - 1).click()
    press(page, "Enter")

    page.wait_for_selector("text=Nothing to rank right now")


def test_a_run_that_is_watched_leaves_the_focus_on_its_buttons(new_page, engineer, project, tmp_path):
    run = make_working_run(make_promoted(make_version(project, tmp_path / "policy")))
    page = new_page(engineer)
    page.goto(reverse("run", args=[run.public_id]))
    page.locator("#cancel-run").focus()
    page.evaluate("document.getElementById('live').marked = true")

    Run.objects.update(progress_done=5)
    page.wait_for_function("() => !document.getElementById('live').marked")

    assert focused(page) == "cancel-run"
