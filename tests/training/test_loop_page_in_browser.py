"""The loop page in a real browser: it keeps itself up to date, and nothing is pulled from under a person."""

import pytest
from django.urls import reverse

from tests.making import make_prompt, make_ranking_task
from tests.training.making import make_claimed_run, make_promoted, make_ranking, make_version
from training import actions, tasks
from training.models import Chain

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def policy(project, tmp_path):
    make_prompt(project)
    return make_promoted(make_version(project, tmp_path / "policy"))


@pytest.fixture
def page(new_page, engineer, project, policy):
    page = new_page(engineer)
    page.goto(reverse("loop", args=[project.public_id]))
    return page


def stage(page, key):
    return page.locator(f"#stage-{key}")


def refresh(page):
    """What the page's clock does every three seconds."""
    page.evaluate("htmx.trigger('#loop', 'refresh')")


def test_the_page_follows_what_happens_without_reloading(page, project, policy):
    page.evaluate("window.sameDocument = true")

    make_ranking_task(project)
    stage(page, "rankings").get_by_text("1 set of outputs waits to be ranked").wait_for()
    run = make_claimed_run(policy)
    progress = {"type": "progress", "attempt": 1, "done": 5, "total": 9, "unit": "completions"}
    actions.record_events(run_id=run.pk, attempt=1, events=[(0, progress)])
    stage(page, "sample").locator("progress[value='5']").wait_for()

    assert page.evaluate("window.sameDocument")


def test_one_click_starts_a_chain_and_the_page_follows_it(page, project, annotator):
    make_ranking(annotator, project)

    stage(page, "reward_model").get_by_role("button", name="Train reward model").click()
    stage(page, "reward_model").get_by_text("Waits for its snapshot.").wait_for()
    tasks.build_snapshot(Chain.objects.get().snapshot_id)
    refresh(page)
    stage(page, "reward_model").get_by_text("queued").wait_for()

    page.get_by_role("button", name="Cancel chain").click()
    page.get_by_text("Cancelled by Eli.").wait_for()


def test_the_rule_that_is_being_written_stays_while_the_page_changes(page, project):
    page.get_by_text("Change the retrain rule").click()
    page.get_by_label("After so many new rankings").fill("12")

    make_ranking_task(project)
    refresh(page)
    stage(page, "rankings").get_by_text("1 set of outputs waits to be ranked").wait_for()
    page.get_by_label("Retrain by itself").check()
    page.get_by_role("button", name="Save rule").click()

    page.get_by_text("0 of 12 new rankings").wait_for()


def test_where_the_keyboard_is_it_stays(page, project):
    page.locator("#start-sample").focus()

    make_ranking_task(project)
    refresh(page)
    stage(page, "rankings").get_by_text("1 set of outputs waits to be ranked").wait_for()

    assert page.evaluate("document.activeElement.id") == "start-sample"


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_nothing_scrolls_sideways(new_page, engineer, project, policy, width):
    page = new_page(engineer, viewport={"width": width, "height": 844})
    page.goto(reverse("loop", args=[project.public_id]))

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_javascript_the_page_says_the_same_and_its_buttons_work(new_page, engineer, project, policy):
    page = new_page(engineer, java_script_enabled=False)
    page.goto(reverse("loop", args=[project.public_id]))

    page.get_by_role("button", name="Sample outputs").click()

    stage(page, "sample").get_by_text("queued").wait_for()
