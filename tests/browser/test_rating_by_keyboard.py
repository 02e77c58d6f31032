"""Rating, ranking, choosing and dragging in a real browser."""

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Assignment, Prompt, Ranking, Submission
from labeling.rubrics.presets import OVERALL, PRESETS
from tests.making import make_prompt, make_ranking_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def at_task(new_page, annotator, project):
    """Opens the next task in the browser, signed in as the annotator: (page, assignment)."""

    def open_it(**options):
        assignment = actions.claim_task(user=annotator, project=project, kind="rank")
        page = new_page(annotator, **options)
        page.goto(reverse("assignment", args=[assignment.public_id]))
        page.wait_for_selector("[data-mode]")
        return page, assignment

    return open_it


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def rail(page):
    """The letters on each place."""
    rows = page.locator(".rail-places li").all()
    return ["".join(row.locator(".chip button").all_inner_texts()) for row in rows]


def places_as_shown(assignment):
    ranking = Ranking.objects.get(submission__assignment=assignment)
    return [ranking.places[slot - 1] for slot in assignment.display_order]


def test_a_session_by_keyboard_alone_rates_ranks_with_a_tie_submits_and_goes_on(at_task, project):
    actions.publish_rubric(project=project, questions=PRESETS["instructgpt"], author=None)
    make_ranking_task(project)
    make_ranking_task(project)
    page, first = at_task()

    press(page, "a", "Enter")  # the prompt is ambiguous
    press(page, "6", "Enter", "2", "c", "Enter", "7", "5", "Enter", "5", "b", "b", "Enter")
    assert page.locator("#work").get_attribute("data-mode") == "rank"
    press(page, "1", "3", "2", "=", "Enter")
    page.wait_for_url(lambda url: str(first.public_id) not in url)

    submission = Submission.objects.get()
    answers = {
        (answer.question, answer.slot and first.display_order.index(answer.slot) + 1): answer.value
        for answer in submission.answers.all()
    }
    assert answers == {
        ("ambiguous", None): True,
        ("overall_quality", 1): 6,
        ("overall_quality", 2): 2,
        ("hallucination", 2): True,
        ("overall_quality", 3): 5,
        ("overall_quality", 4): 5,
    }
    assert places_as_shown(first) == [1, 3, 2, 2]
    assert page.locator("#work").get_attribute("data-mode") == "rate"
    assert page.locator(".output :checked").count() == 0


def test_a_digit_corrects_a_score_and_required_ratings_come_before_the_ranking(at_task, project):
    actions.publish_rubric(project=project, questions=[OVERALL], author=None)
    make_ranking_task(project)
    page, _ = at_task()

    press(page, "6", "4", "Enter", "Enter", "3", "Enter", "3", "Enter")

    assert page.locator("#work").get_attribute("data-mode") == "rate"
    assert page.locator(".output.marked").get_attribute("data-output") == "B"
    assert page.locator("#output-1 .rated").inner_text() == "4/7"
    press(page, "m", "1", "2", "3", "4", "Enter")
    assert page.locator("#work").get_attribute("data-mode") == "rate"
    assert Submission.objects.count() == 0


def test_one_mode_is_visible_at_a_time(at_task, project):
    actions.publish_rubric(project=project, questions=[OVERALL], author=None)
    make_ranking_task(project)
    page, _ = at_task()
    rating, places = page.locator("#output-1 .rating"), page.locator("#output-1 .place")

    assert (rating.is_visible(), places.is_visible()) == (True, False)
    press(page, "m")
    assert (rating.is_visible(), places.is_visible()) == (False, True)


def test_ratings_places_and_the_mode_survive_a_reload(at_task, project):
    actions.publish_rubric(project=project, questions=PRESETS["instructgpt"], author=None)
    make_ranking_task(project)
    page, _ = at_task()

    press(page, "Enter", "6", "c", "m", "2")
    page.wait_for_selector("#saved:has-text('✓')")
    page.reload()

    assert page.locator("#work").get_attribute("data-mode") == "rank"
    assert page.locator("#output-1 .rated").inner_text() == "6/7 ⚑ 1"
    assert rail(page) == ["", "A", "", ""]


def test_no_key_acts_while_an_input_method_composes(at_task, project):
    actions.publish_rubric(project=project, questions=PRESETS["instructgpt"], author=None)
    make_ranking_task(project)
    page, _ = at_task()
    composing = """key => document.dispatchEvent(
        new KeyboardEvent('keydown', {key, isComposing: true, bubbles: true, cancelable: true}))"""

    for key in ("a", "Enter", "m", "1"):
        page.evaluate(composing, key)
    assert page.locator("#about-prompt.marked").count() == 1
    assert page.locator("#work input:checked").count() == 0
    press(page, "m")
    for key in ("1", "=", "Enter", "u", "s"):
        page.evaluate(composing, key)

    assert rail(page) == ["", "", "", ""]
    assert page.locator("dialog[open]").count() == 0
    assert Submission.objects.count() == 0


def test_what_is_written_into_a_field_presses_no_key(at_task, project):
    make_ranking_task(project)
    page, _ = at_task()

    press(page, "c")
    page.keyboard.type("12 skip us?\n")
    press(page, "Escape", "1")

    assert page.locator("textarea[name=comment]").input_value() == "12 skip us?\n"
    assert rail(page) == ["A", "", "", ""]


def test_full_width_digits_and_signs_count_as_plain_ones(at_task, project):
    make_ranking_task(project)
    page, _ = at_task()

    for key in ("２", "＝"):
        page.evaluate(
            "key => document.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))", key
        )

    assert rail(page) == ["", "AB", "", ""]


def test_moving_undoing_and_redoing(at_task, project):
    make_ranking_task(project)
    page, _ = at_task()

    press(page, "2", "3", "ArrowUp", "Shift+ArrowUp")
    assert rail(page) == ["", "AB", "", ""]
    press(page, "u", "u")
    assert rail(page) == ["", "A", "", ""]
    press(page, "Shift+U")
    assert rail(page) == ["", "A", "B", ""]
    press(page, "Control+z", "Control+z")
    assert rail(page) == ["", "", "", ""]
    press(page, "Control+y", "1")
    assert rail(page) == ["B", "A", "", ""]
    press(page, "Shift+U")  # what was undone before the change is gone
    assert rail(page) == ["B", "A", "", ""]


def test_nothing_placed_is_asked_about_and_not_sent(at_task, project):
    make_ranking_task(project)
    page, _ = at_task()

    press(page, "Enter", "Enter")
    page.locator("#submit").click()

    assert "Are these really in this order?" in page.locator("#rail-notice").inner_text()
    assert Submission.objects.count() == 0
    press(page, "1")
    assert not page.locator("#rail-notice").is_visible()


def test_the_same_again_is_asked_about_once(at_task, project, new_page, annotator):
    make_ranking_task(project)
    page, assignment = at_task()
    press(page, "1", "2", "3", "4", "Enter")
    page.wait_for_selector("text=Nothing to rank right now")

    page.goto(reverse("assignment", args=[assignment.public_id]))
    page.wait_for_selector("[data-mode]")
    press(page, "Enter")
    assert "You have changed nothing" in page.locator("#rail-notice").inner_text()
    assert Submission.objects.count() == 1
    press(page, "Enter")
    page.wait_for_selector("text=Nothing to rank right now")

    assert Submission.objects.count() == 2


def test_a_contradiction_is_shown_and_the_same_key_lets_it_stand(at_task, project):
    actions.publish_rubric(project=project, questions=[OVERALL], author=None)
    make_ranking_task(project)
    page, _ = at_task()

    press(page, "2", "Enter", "5", "Enter", "5", "Enter", "5", "Enter", "1", "2", "3", "4", "Enter")
    notice = page.wait_for_selector("#contradiction")
    assert "A is placed before B, and you rated it 2 against 5" in notice.inner_text()
    assert page.locator("#work").get_attribute("data-mode") == "rank"
    press(page, "Enter")
    page.wait_for_selector("text=Nothing to rank right now")

    assert Submission.objects.count() == 1


def test_none_usable_takes_a_key_and_its_confirmation(at_task, project):
    make_ranking_task(project)
    page, _ = at_task()

    press(page, "n")
    assert Submission.objects.count() == 0
    press(page, "Enter")
    page.wait_for_selector("text=Nothing to rank right now")

    assert Submission.objects.get().verdict == "none_usable"


@pytest.mark.parametrize(
    ("keys", "places", "strength"),
    [
        (["ArrowLeft"], [1, 2], None),
        (["ArrowRight"], [2, 1], None),
        (["="], [1, 1], None),
        (["3", "ArrowRight"], [2, 1], 3),
    ],
)
def test_of_two_one_key_is_sent_at_once(at_task, project, keys, places, strength):
    make_ranking_task(project, ["one", "two"])
    page, assignment = at_task()

    press(page, *keys)
    page.wait_for_selector("text=Nothing to rank right now")

    assert places_as_shown(assignment) == places
    assert Ranking.objects.get().strength == strength


def test_both_bad_is_one_key_too(at_task, project):
    make_ranking_task(project, ["one", "two"])
    page, _ = at_task()

    press(page, "b")
    page.wait_for_selector("text=Nothing to rank right now")

    assert Submission.objects.get().verdict == "none_usable"


def test_of_two_what_is_required_is_asked_before_the_choice_is_sent(at_task, project):
    actions.publish_rubric(project=project, questions=[OVERALL], author=None)
    make_ranking_task(project, ["one", "two"])
    page, assignment = at_task()

    press(page, "m", "ArrowLeft")
    assert page.locator("#work").get_attribute("data-mode") == "rate"
    press(page, "5", "Enter", "3", "Enter", "ArrowLeft")
    page.wait_for_selector("text=Nothing to rank right now")

    assert places_as_shown(assignment) == [1, 2]


def test_two_stand_side_by_side_when_wide_and_below_each_other_on_a_phone(at_task, project):
    make_ranking_task(project, ["one", "two"])
    page, _ = at_task()

    def tops():
        return [output.bounding_box()["y"] for output in page.locator(".output").all()]

    assert len(set(tops())) == 1
    page.set_viewport_size({"width": 390, "height": 800})
    assert len(set(tops())) == 2


def drag(page, letter, place, *, at=0.5):
    handle = page.locator(f".chip[data-output={letter}] .handle").bounding_box()
    row = page.locator(".rail-places li").nth(place - 1).bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(row["x"] + 60, row["y"] + 5, steps=3)
    page.mouse.move(row["x"] + 60, row["y"] + row["height"] * at, steps=3)
    page.mouse.up()


def test_an_output_is_dragged_by_its_handle_into_a_place_or_between_two(at_task, project):
    make_ranking_task(project)
    page, _ = at_task()

    drag(page, "C", 1)
    drag(page, "A", 2)
    drag(page, "D", 2)
    assert rail(page) == ["C", "AD", "", ""]
    drag(page, "B", 2, at=0.1)
    assert rail(page) == ["C", "B", "AD", ""]
    press(page, "u")

    assert rail(page) == ["C", "AD", "", ""]


def test_dragging_the_letter_instead_of_the_handle_moves_nothing(at_task, project):
    make_ranking_task(project)
    page, _ = at_task()

    letter = page.locator(".chip[data-output=A] button").bounding_box()
    row = page.locator(".rail-places li").nth(0).bounding_box()
    page.mouse.move(letter["x"] + 5, letter["y"] + 5)
    page.mouse.down()
    page.mouse.move(row["x"] + 60, row["y"] + 10, steps=4)
    page.mouse.up()

    assert rail(page) == ["", "", "", ""]


PHONE = {"viewport": {"width": 390, "height": 700}, "has_touch": True, "is_mobile": True}


def swipe(page, start, end):
    """A finger, as the browser's own input gets it: scrolling happens where the page lets it."""
    session = page.context.new_cdp_session(page)
    steps = 12

    def send(kind, x, y):
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", *start)
    for step in range(1, steps + 1):
        send("touchMove", *(a + (b - a) * step / steps for a, b in zip(start, end, strict=True)))
        page.wait_for_timeout(16)
    send("touchEnd", *end)


def test_scrolling_by_touch_never_reorders(at_task, project):
    make_ranking_task(project, ["word " * 300, "text " * 300, "three", "four"])
    page, _ = at_task(**PHONE)
    press(page, "2", "1", "3", "4")
    page.evaluate("scrollTo(0, 0)")
    before = rail(page)

    swipe(page, (200, 400), (200, 100))
    scrolled = page.evaluate("scrollY")
    place = page.locator(".rail-places li").nth(1).bounding_box()
    chip = page.locator(".rail-places .chip button").first.bounding_box()
    swipe(page, (place["x"] + 50, place["y"] + 15), (place["x"] + 50, place["y"] - 250))
    swipe(page, (chip["x"] + 6, chip["y"] + 10), (chip["x"] + 6, chip["y"] - 250))

    assert scrolled > 100
    assert rail(page) == before == ["B", "A", "C", "D"]


def test_a_finger_drags_by_the_handle_without_scrolling(at_task, project):
    make_ranking_task(project, ["word " * 300, "text " * 300, "three", "four"])
    page, _ = at_task(**PHONE)
    handle = page.locator(".chip[data-output=B] .handle").bounding_box()
    row = page.locator(".rail-places li").nth(2).bounding_box()

    middle = (handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    swipe(page, middle, (row["x"] + row["width"] / 2, row["y"] + row["height"] / 2))

    assert rail(page) == ["", "", "B", ""]
    assert page.evaluate("scrollY") == 0


def test_texts_as_written_and_two_compared(at_task, project):
    make_ranking_task(project, ["**one** red house", "**one** blue house", "three", "four"])
    page, _ = at_task()
    press(page, "2")

    press(page, "r")
    page.wait_for_selector(".output .text.raw")
    assert page.locator(".output .text.raw").count() == 4 and page.locator(".output strong").count() == 0
    assert rail(page) == ["", "A", "", ""]
    press(page, "r")
    page.wait_for_selector(".output strong")
    press(page, "d")
    page.wait_for_selector("#comparison[open]")
    compared = page.locator("#comparison h2").all_inner_texts()
    press(page, "Escape", "3")

    assert compared == ["Output B", "Output A"]
    assert rail(page) == ["", "A", "B", ""]


def test_the_last_turn_and_the_rail_stay_in_view_while_outputs_scroll(at_task, project):
    messages = [("user", "Story? " * 200), ("assistant", "No. " * 400), ("user", "A short one, please.")]
    make_ranking_task(project, ["word " * 600, "text " * 600, "three", "four"], prompt=make_prompt(project))
    turns = [{"role": role, "content": content} for role, content in messages]
    Prompt.objects.update(messages=turns)
    page, _ = at_task(viewport={"width": 1280, "height": 800})

    page.mouse.wheel(0, 100_000)
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") > 1000

    for shown in (page.locator(".turn").last, page.locator(".rail-places")):
        box = shown.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 800


def test_question_mark_lists_the_keys(at_task, project):
    make_ranking_task(project)
    page, _ = at_task()

    press(page, "?")

    assert "tie it with the one placed before" in page.locator("#help").inner_text()


def test_without_javascript_everything_is_there_and_can_be_sent(at_task, project, annotator, new_page):
    actions.publish_rubric(project=project, questions=[OVERALL], author=None)
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    page = new_page(annotator, java_script_enabled=False)
    page.goto(reverse("assignment", args=[assignment.public_id]))

    for output in range(1, 5):
        page.locator(f"input[name=answer-{output}-overall_quality][value='{8 - output}']").check()
        page.fill(f"input[name=place-{output}]", str(output))
    page.click("#submit")

    assert places_as_shown(assignment) == [1, 2, 3, 4]
    assert Submission.objects.get().answers.count() == 4


def test_a_rubric_is_built_without_javascript(new_page, manager, project):
    page = new_page(manager, java_script_enabled=False)
    page.goto(reverse("manage-rubric", args=[project.public_id]))

    page.click("button[value='preset:overall']")
    page.click("button[value='add:flag']")
    page.fill("[name=q-1-name-en]", "Too long")
    page.click("button[value=preview]")
    assert page.locator("#preview .flag").inner_text().startswith("Too long")
    page.click("button[value=publish]")

    assert [question.key for question in project.rubric_versions.get().asked] == [
        "overall_quality",
        "too_long",
    ]


def test_four_are_ranked_with_five_keys_and_a_draft_is_not_needed(at_task, project):
    make_ranking_task(project, prompt=make_prompt(project))
    page, assignment = at_task()
    keys = ["2", "1", "4", "3", "Enter"]

    press(page, *keys)
    page.wait_for_selector("text=Nothing to rank right now")

    assert places_as_shown(assignment) == [2, 1, 4, 3]
    assert len(keys) == 5 and Assignment.objects.get().draft == {}
