"""Writing each kind of prompt by keyboard; drafts; what is pointed out."""

import time

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Prompt, PromptDraft
from tests.making import make_prompt

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SAVED = "#saved:has-text('Saved')"
TAKEN_IN = "text=The prompt is taken in."


@pytest.fixture
def address(project):
    return reverse("write-prompt", args=[project.public_id])


def tab_to(page, selector):
    """Press Tab until this has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator(selector).evaluate_all("(found) => found.includes(document.activeElement)"):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def test_a_plain_prompt_by_keyboard(new_page, annotator, address):
    page = new_page(annotator)
    page.goto("/")
    page.get_by_role("link", name="Write prompts").press("Enter")
    page.wait_for_url(f"**{address}")
    page.wait_for_selector("[name=prompt]:focus")

    page.keyboard.type("Name three rivers.")
    tab_to(page, "[name=category]")
    page.keyboard.type("open")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(TAKEN_IN)

    prompt = Prompt.objects.get()
    assert (prompt.messages[0]["content"], prompt.category) == ("Name three rivers.", "open_qa")
    assert page.input_value("[name=prompt]") == ""
    assert page.evaluate("Object.keys(localStorage)") == []


def test_a_few_shot_prompt_by_keyboard(new_page, annotator, address):
    page = new_page(annotator)
    page.goto(address)
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.name") == "kind"
    page.keyboard.press("ArrowDown")
    assert not page.locator("[name=prompt]").is_visible()

    tab_to(page, "[name=instruction]")
    page.keyboard.type("Give the sentiment.")
    for number in range(3):
        if number == 2:
            page.keyboard.press("Alt+a")
        else:
            tab_to(page, "[name=pair_query]")
        page.keyboard.type(f"query {number}")
        page.keyboard.press("Tab")
        page.keyboard.type(f"response {number}")
    tab_to(page, "[name=query]")
    page.keyboard.type("The last")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(TAKEN_IN)

    prompt = Prompt.objects.get()
    assert prompt.source == "few_shot"
    assert [pair["query"] for pair in prompt.metadata["pairs"]] == ["query 0", "query 1", "query 2"]
    assert prompt.messages[0]["content"].endswith("Query: The last\nResponse:")


def test_a_user_based_prompt_by_keyboard(new_page, annotator, address):
    page = new_page(annotator)
    page.goto(address)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowUp")

    tab_to(page, "[name=use_case]")
    page.keyboard.type("A baker plans.")
    tab_to(page, "[name=prompt]")
    page.keyboard.type("Plan my week's baking.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(TAKEN_IN)

    prompt = Prompt.objects.get()
    assert (prompt.source, prompt.metadata) == ("user_based", {"use_case": "A baker plans."})


def test_nothing_is_lost_by_a_reload_nor_by_leaving_at_once(new_page, annotator, address):
    page = new_page(annotator)
    page.goto(address)
    page.check("[name=kind][value=few_shot]")
    page.fill("[name=instruction]", "Half an instruction")
    page.click("#add-pair")
    page.keyboard.type("third")
    page.wait_for_selector(SAVED)
    page.keyboard.type(" pair")

    page.goto("/")
    deadline = time.monotonic() + 3
    while PromptDraft.objects.get().content["pairs"][-1]["query"] != "third pair":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    page.goto(address)

    assert page.input_value("[name=instruction]") == "Half an instruction"
    assert page.locator("[name=pair_query]").nth(2).input_value() == "third pair"


def test_without_a_connection_it_waits_here_and_goes_out_once_it_is_back(new_page, annotator, address):
    page = new_page(annotator)
    page.goto(address)
    page.context.set_offline(True)
    page.keyboard.type("Written on a train.")

    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Not sent: there is no connection")
    page.context.set_offline(False)
    page.wait_for_selector(SAVED)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(TAKEN_IN)

    assert Prompt.objects.get().messages[0]["content"] == "Written on a train."


def test_two_windows_never_overwrite_each_other(new_page, annotator, project, address):
    page = new_page(annotator)
    page.goto(address)
    actions.save_prompt_draft(
        user=annotator, project=project, content={"prompt": "Elsewhere", "text": "Elsewhere"}, version=0
    )

    page.keyboard.type("Here")

    page.wait_for_selector("#two-versions[open]")
    assert page.inner_text("[data-version=theirs]") == "Elsewhere"
    assert PromptDraft.objects.get().content["prompt"] == "Elsewhere"


def test_what_is_pointed_out_may_stand(new_page, annotator, project, address):
    make_prompt(project, "Write a letter to the mayor of a small town.")
    page = new_page(annotator)
    page.goto(address)
    page.keyboard.type("Write a letter to the mayor of a small town. Sign it ada@example.org")

    page.keyboard.press("Control+Enter")
    page.wait_for_selector("mark:has-text('ada@example.org')")
    assert page.locator(".look .badge").count() == 1
    assert Prompt.objects.count() == 1
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(TAKEN_IN)

    assert Prompt.objects.filter(author=annotator).count() == 1


def test_removing_a_pair_leaves_at_least_two(new_page, annotator, address):
    page = new_page(annotator)
    page.goto(address)
    page.check("[name=kind][value=few_shot]")
    page.click("#add-pair")
    for number in range(3):
        page.locator("[name=pair_query]").nth(number).fill(f"query {number}")

    page.get_by_role("button", name="Remove this pair").nth(1).click()
    values = page.locator("[name=pair_query]").evaluate_all("(boxes) => boxes.map((box) => box.value)")
    assert values == ["query 0", "query 2"]
    page.get_by_role("button", name="Remove this pair").first.click()

    values = page.locator("[name=pair_query]").evaluate_all("(boxes) => boxes.map((box) => box.value)")
    assert values == ["", "query 2"]


def test_composing_triggers_nothing(new_page, annotator, address):
    page = new_page(annotator)
    page.goto(address)
    composing = {"isComposing": True, "bubbles": True, "cancelable": True, "key": "Enter", "ctrlKey": True}
    page.fill("[name=prompt]", "名")

    page.locator("[name=prompt]").dispatch_event("keydown", composing)
    page.wait_for_selector(SAVED)

    assert page.url.endswith(address)
    assert not Prompt.objects.exists()


def test_without_javascript_every_kind_can_be_written(new_page, annotator, address):
    page = new_page(annotator, java_script_enabled=False)
    page.goto(address)
    page.check("[name=kind][value=few_shot]")
    page.click("text=Show the fields of this kind")
    page.fill("[name=instruction]", "Give the sentiment.")
    page.click("#add-pair")
    for number in range(3):
        page.locator("[name=pair_query]").nth(number).fill(f"query {number}")
        page.locator("[name=pair_response]").nth(number).fill(f"response {number}")
    page.fill("[name=query]", "The last")
    page.click("#submit")

    assert "The prompt is taken in." in page.content()
    assert len(Prompt.objects.get().metadata["pairs"]) == 3
