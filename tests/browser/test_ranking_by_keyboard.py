import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Assignment, Ranking, Submission
from tests.conftest import PASSWORD
from tests.making import make_demonstration_task, make_ranking_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HOSTILE = [
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    "[x](javascript:document.title='owned') **bold** <iframe src='/'></iframe>",
    "z" * 5_000,
    "\u202eright to left\u202c | a | b |\n|---|---|\n| 1 | 2 |",
]


@pytest.fixture
def at_task(new_page, annotator, project):
    """Opens the next task of a kind in the browser, signed in as the annotator: (page, assignment)."""

    def open_it(kind="rank", **options):
        assignment = actions.claim_task(user=annotator, project=project, kind=kind)
        page = new_page(annotator, **options)
        page.goto(reverse("assignment", args=[assignment.public_id]))
        return page, assignment

    return open_it


def test_two_tasks_ranked_by_keyboard_alone_with_a_tie(at_task, project):
    make_ranking_task(project)
    make_ranking_task(project)
    page, first = at_task()

    for key in "2113":
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: str(first.public_id) not in url)
    for key in "1234":
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Nothing to rank right now")

    one, two = Ranking.objects.order_by("pk")
    assert [one.places[slot - 1] for slot in first.display_order] == [2, 1, 1, 3]
    assert sorted(two.places) == [1, 2, 3, 4]


def test_enter_does_not_send_an_unfinished_ranking_but_marks_what_is_missing(at_task, project):
    make_ranking_task(project)
    page, _ = at_task()

    page.keyboard.press("1")
    page.keyboard.press("Enter")

    assert page.locator(".output.marked").get_attribute("data-output") == "C"
    assert Submission.objects.count() == 0


def test_the_rail_shows_places_and_survives_a_reload_as_a_draft(at_task, project):
    make_ranking_task(project)
    page, assignment = at_task()

    page.keyboard.press("3")
    page.wait_for_selector("#saved:has-text('✓')")
    page.reload()

    assert page.locator(".rail-places li").nth(2).locator(".chip button").inner_text() == "A"
    assert Assignment.objects.get(pk=assignment.pk).draft == {"places": {"1": 3}}


def test_a_tap_on_a_place_puts_the_marked_output_there(at_task, project):
    make_ranking_task(project)
    page, _ = at_task(viewport={"width": 390, "height": 800}, has_touch=True)

    for place in (2, 1, 3, 4):
        page.locator(".rail-places li").nth(place - 1).tap()
    page.locator("#submit").tap()
    page.wait_for_selector("text=Nothing to rank right now")

    assert sorted(Ranking.objects.get().places) == [1, 2, 3, 4]


def test_keys_of_an_input_method_place_nothing(at_task, project):
    make_ranking_task(project)
    page, _ = at_task()

    page.evaluate(
        "document.dispatchEvent(new KeyboardEvent('keydown', {key: '1', isComposing: true, bubbles: true}))"
    )

    assert page.locator(".output.placed").count() == 0


def test_places_by_number_inputs_without_javascript(at_task, project):
    make_ranking_task(project)
    page, assignment = at_task(java_script_enabled=False)

    for output, place in enumerate((4, 3, 2, 1), start=1):
        page.fill(f"input[name=place-{output}]", str(place))
    page.click("#submit")

    assert [Ranking.objects.get().places[slot - 1] for slot in assignment.display_order] == [4, 3, 2, 1]


def test_hostile_outputs_neither_run_nor_break_the_page(at_task, project):
    make_ranking_task(project, HOSTILE)

    page, _ = at_task()

    assert "owned" not in page.title()
    assert page.locator(".outputs iframe, .outputs script, .outputs img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for text in ("<script>", "<iframe src='/'></iframe>"):
        assert text in page.locator(".outputs").inner_text()


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_the_page_never_scrolls_sideways(at_task, project, width):
    wide_table = "| a | b |\n|---|---|\n| " + "w" * 300 + " | 2 |"
    make_ranking_task(project, ["short", "word " * 200, "x" * 400, wide_table])

    page, _ = at_task(viewport={"width": width, "height": 800})

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_text_written_and_sent_with_control_enter(at_task, project):
    make_demonstration_task(project)
    page, _ = at_task("demonstrate")

    page.fill("textarea", "A short and true answer.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Nothing to write right now")

    assert Submission.objects.get().demonstration.completion.text == "A short and true answer."


def test_signing_in_by_the_form(page, annotator):
    page.goto("/")
    page.fill("input[name=login]", annotator.email)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")

    page.wait_for_selector("text=What waits for you")
