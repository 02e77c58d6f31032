"""Sensitive texts in a real browser: covered, opened by key and on a phone, and open for the whole task."""

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Ranking
from labeling.rubrics.presets import OVERALL
from tests.making import make_demonstration_task, make_prompt, make_ranking_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OPEN = ".cover[open]"


@pytest.fixture
def at_task(new_page, annotator, project):
    """Opens the next task, which is about violence, signed in as somebody who said yes to that."""

    def open_it(kind="rank", topics=("violence",), **options):
        actions.choose_topics(user=annotator, topics=topics)
        if kind == "rank":
            make_ranking_task(project, prompt=make_prompt(project, topics=topics))
        else:
            make_demonstration_task(project, topics=topics)
        annotator.refresh_from_db()
        assignment = actions.claim_task(user=annotator, project=project, kind=kind)
        page = new_page(annotator, **options)
        page.goto(reverse("assignment", args=[assignment.public_id]))
        page.wait_for_load_state("networkidle")
        return page, assignment

    return open_it


def test_one_key_opens_all_and_covers_them_again(at_task):
    page, _ = at_task()
    assert page.locator(".cover").count() == 5
    assert not page.locator(".output .text").first.is_visible()
    assert page.locator(".cover > summary").first.inner_text().startswith("Covered: violence")

    page.keyboard.press("v")
    page.wait_for_selector(OPEN)
    assert page.locator(OPEN).count() == 5
    assert page.locator("#covers-said").inner_text() == "Everything is open."
    page.keyboard.press("V")

    assert page.locator(OPEN).count() == 0


def test_a_task_is_ranked_by_keyboard_while_everything_is_covered(at_task):
    page, assignment = at_task()

    for key in ("1", "2", "3", "=", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url(lambda url: str(assignment.public_id) not in url)

    places = Ranking.objects.get().places
    assert [places[slot - 1] for slot in assignment.display_order] == [1, 2, 3, 3]


def test_enter_on_a_cover_opens_it_and_submits_nothing(at_task):
    page, _ = at_task()

    page.locator("#output-2 summary").focus()
    page.keyboard.press("Enter")

    page.wait_for_selector(f"#output-2 {OPEN}")
    assert page.locator(OPEN).count() == 1
    assert not page.locator("#rail-notice").is_visible()


def test_what_is_open_stays_open_as_written_in_the_comparison_and_after_a_reload(at_task):
    page, _ = at_task()
    page.locator("#output-1 summary").click()
    page.wait_for_selector(f"#output-1 {OPEN}")

    page.keyboard.press("r")
    page.wait_for_selector("#output-1 .text.raw")
    assert page.locator(OPEN).count() == 1
    page.keyboard.press("d")
    page.wait_for_selector("#comparison[open] .cover")
    page.wait_for_selector(f'#comparison {OPEN}[data-cover="output-1"]')
    assert page.locator(f"#comparison {OPEN}").count() == 1
    page.keyboard.press("v")
    page.wait_for_selector(f'#comparison {OPEN}[data-cover="output-2"]')
    page.keyboard.press("Escape")
    page.wait_for_selector(f"#output-2 {OPEN}")
    page.reload()

    page.wait_for_selector(f"#output-1 {OPEN}")
    assert page.locator(OPEN).count() == 2


def test_a_refused_ranking_comes_back_open_and_the_next_task_covered(at_task, project):
    actions.publish_rubric(project=project, questions=[OVERALL], author=None)
    make_ranking_task(project, prompt=make_prompt(project, topics=["violence"]))
    page, first = at_task()
    page.keyboard.press("v")
    page.wait_for_selector(OPEN)
    for key in ("1", "Enter", "7", "Enter", "7", "Enter", "7", "Enter", "1", "2", "3", "4", "Enter"):
        page.keyboard.press(key)

    page.wait_for_selector("#contradiction")
    page.wait_for_selector(OPEN)
    assert page.locator(OPEN).count() == 5
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: str(first.public_id) not in url)

    assert page.locator(".cover").count() == 5
    assert page.locator(OPEN).count() == 0


def test_no_key_opens_while_an_input_method_composes_or_in_a_text(at_task):
    page, _ = at_task(kind="demonstrate")
    page.keyboard.type("vivid")
    composing = """document.dispatchEvent(
        new KeyboardEvent('keydown', {key: 'v', isComposing: true, bubbles: true, cancelable: true}))"""
    page.keyboard.press("Escape")
    page.evaluate(composing)

    assert page.locator("textarea[name=text]").input_value() == "vivid"
    assert page.locator(OPEN).count() == 0
    page.keyboard.press("v")
    page.wait_for_selector(OPEN)


def test_on_a_phone_covers_open_by_a_tap_and_nothing_scrolls_sideways(at_task):
    page, _ = at_task(
        topics=("violence", "self_harm", "harmful_advice"),
        viewport={"width": 390, "height": 844},
        has_touch=True,
    )

    page.locator("#output-3 summary").tap()

    page.wait_for_selector(f"#output-3 {OPEN}")
    assert page.locator("#output-3 .text").is_visible()
    assert page.locator("#skip-note").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_a_script_a_cover_opens_all_the_same(at_task):
    page, _ = at_task(java_script_enabled=False)

    page.locator("#output-1 summary").click()

    assert page.locator("#output-1 .text").is_visible()
    assert not page.locator("#output-2 .text").is_visible()
