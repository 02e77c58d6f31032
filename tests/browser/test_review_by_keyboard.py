"""A reviewer's session and its other end, the annotator who gets something back, in a real browser."""

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Review, Submission
from tests.labeling.exporting import make_ranking
from tests.making import make_demonstration_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def reviewer(person, project):
    return person("Rea", "reviewer", project=project)


def address_of(submission):
    return reverse("review", args=[submission.public_id])


def at(submission):
    return lambda url: str(submission.public_id) in url


def write(user, project, text):
    make_demonstration_task(project, text="Why is the sky blue?")
    assignment = actions.claim_task(user=user, project=project, kind="demonstrate")
    return actions.submit_demonstration(assignment=assignment, text=text, idempotency_key="k")


def reviews():
    return list(Review.objects.order_by("pk").values_list("verdict", "note"))


def test_a_session_by_keyboard_alone(new_page, reviewer, annotator, project):
    oldest, middle, newest = (make_ranking(annotator, project) for _ in range(3))
    page = new_page(reviewer)
    page.goto(address_of(newest))

    page.keyboard.press("a")
    page.wait_for_url(at(middle))
    page.keyboard.press("r")
    page.keyboard.type("Read C to its end, a, r and j.")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(at(oldest))
    page.keyboard.press("a")
    page.wait_for_selector("text=Nothing waits for a review")

    assert reviews() == [
        ("accepted", ""),
        ("returned", "Read C to its end, a, r and j."),
        ("accepted", ""),
    ]


def test_keys_walk_the_list_and_explain_themselves(new_page, reviewer, annotator, project):
    older, newer = (make_ranking(annotator, project) for _ in range(2))
    page = new_page(reviewer)
    page.goto(address_of(newer))

    for key, reached in (("j", older), ("k", newer), ("ArrowRight", older), ("ArrowLeft", newer)):
        page.keyboard.press(key)
        page.wait_for_url(at(reached))
    page.keyboard.press("?")
    assert page.locator("dialog#help").is_visible()
    page.keyboard.press("a")
    page.keyboard.press("Escape")

    assert reviews() == []
    assert not page.locator("dialog#help").is_visible()


def test_nothing_is_returned_without_a_note_and_no_key_acts_in_it(new_page, reviewer, annotator, project):
    make_ranking(annotator, project)
    page = new_page(reviewer)
    page.goto(address_of(Submission.objects.get()))

    page.click("#return")
    assert page.evaluate("document.activeElement.id") == "note"
    page.keyboard.type("a")
    page.evaluate(
        """document.getElementById("note").dispatchEvent(new KeyboardEvent(
             "keydown", {key: "Enter", ctrlKey: true, isComposing: true, bubbles: true}))"""
    )
    page.keyboard.press("Escape")
    page.evaluate(
        "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', isComposing: true, bubbles: true}))"
    )

    assert page.input_value("#note") == "a"
    assert page.evaluate("document.activeElement.id") == ""
    assert reviews() == []


def test_it_works_without_javascript(new_page, reviewer, annotator, project):
    first, second = (make_ranking(annotator, project) for _ in range(2))
    page = new_page(reviewer, java_script_enabled=False)
    page.goto("/")

    page.click("article >> text=Review")
    page.click("text=Begin with the first")
    page.fill("#note", "Look at B again.")
    page.click("#return")
    page.wait_for_url(at(first))
    page.click("#accept")

    assert reviews() == [("returned", "Look at B again."), ("accepted", "")]
    assert second.reviews.get().verdict == "returned"


def test_the_author_finds_the_note_on_home_revises_and_it_waits_again(new_page, reviewer, annotator, project):
    submission = write(annotator, project, "Because of the sea.")
    actions.review_submission(
        submission=submission, reviewer=reviewer, verdict="returned", note="It is not the sea."
    )
    page = new_page(annotator)
    page.goto("/")

    page.click("text=Why is the sky blue?")
    assert "It is not the sea." in page.inner_text(".review-note")
    page.wait_for_load_state()  # a link was clicked: the keys' script comes after the text
    page.fill("textarea[name=text]", "Because air scatters blue light.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Nothing to write right now")
    page.goto("/")
    assert page.locator("text=Came back from review").count() == 0

    page = new_page(reviewer)
    page.goto(reverse("reviews", args=[project.public_id]))
    page.click("text=Begin with the first")
    assert "Because air scatters blue light." in page.inner_text("main")
    assert "It is not the sea." in page.inner_text("aside")
    states = Submission.objects.order_by("revision").values_list("review_state", flat=True)
    assert list(states) == ["returned", "not_reviewed"]


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_of_a_reviewer_scrolls_sideways(new_page, reviewer, annotator, project, width):
    submission = make_ranking(annotator, project, texts=["w" * 400, "x" * 200, "c", "d"])
    actions.review_submission(submission=submission, reviewer=reviewer, verdict="returned", note="y" * 300)

    for user, address in (
        (reviewer, address_of(submission)),
        (reviewer, reverse("reviews", args=[project.public_id]) + "?state=any"),
        (annotator, "/"),
        (annotator, reverse("history")),
        (annotator, reverse("assignment", args=[submission.assignment.public_id])),
    ):
        page = new_page(user, viewport={"width": width, "height": 800})
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
