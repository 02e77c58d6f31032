"""An export in a real browser, written by a real worker: start, watch, download; and without JavaScript."""

import json

import pytest
from django.urls import reverse

from tests.labeling.exporting import make_ranking

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def address_of(project):
    return reverse("exports", args=[project.public_id])


def test_from_the_button_to_the_file(new_page, workers, engineer, project, annotator):
    make_ranking(annotator, project, (1, 2, 2, 3), text="Why?")
    make_ranking(annotator, project, split="valid")
    workers.start("default")
    page = new_page(engineer)
    page.goto(address_of(project))
    page.get_by_text("Comparisons: prompt, chosen, rejected").click()
    page.get_by_text("Filters").click()
    page.get_by_label("train", exact=True).check()

    page.get_by_role("button", name="Start export").click()
    page.get_by_text("succeeded").wait_for()  # by polling: nobody reloads
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()

    download = waiting.value
    assert download.suggested_filename.startswith("preference-")
    assert download.suggested_filename.endswith("-train.jsonl")
    rows = [json.loads(line) for line in download.path().read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 5
    assert rows[0]["prompt"] == [{"role": "user", "content": "Why?"}]
    page.get_by_role("button", name="Delete files").click()
    page.get_by_text("files deleted").wait_for()


@pytest.mark.parametrize("width", [390, 1280])
def test_without_javascript_it_is_the_same_and_nothing_scrolls_sideways(
    width, new_page, engineer, project, annotator
):
    make_ranking(annotator, project)
    page = new_page(engineer, java_script_enabled=False, viewport={"width": width, "height": 800})
    page.goto(address_of(project))
    page.get_by_text("Filters").click()

    page.get_by_role("button", name="Start export").click()
    page.get_by_text("Waits for a worker.").wait_for()
    page.get_by_role("link", name="Refresh").click()
    page.get_by_role("button", name="Cancel").click()

    page.get_by_text("cancelled").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
