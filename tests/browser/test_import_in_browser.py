"""A manager brings in the folder of a dataset, packed and as it is, and says what its columns hold."""

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Completion, Prompt, Transfer
from tests.labeling.importing import jsonl, parquet, zipped

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROWS = [
    {"frage": f"Which is number {n}?", "eins": f"The first answer to {n}", "zwei": f"Another one to {n}"}
    for n in range(4)
]
FILES = {
    "birds/README.md": b"# Birds",
    "birds/data/train-00000-of-00001.parquet": parquet(ROWS[:3]),
    "birds/data/test-00000-of-00001.parquet": parquet(ROWS[3:]),
}


def map_and_import(page):
    page.wait_for_selector("text=4 rows, 4 broken")
    page.select_option("[name=column_prompt]", "frage")
    page.select_option("[name=output_0]", "eins")
    page.fill("[name=output_model_0]", "Wren-2")
    page.select_option("[name=output_1]", "zwei")
    page.check("[name=opens_rankings]")
    page.select_option("[name=part_0]", label="valid")
    page.click("button:has-text('Look again')")
    page.wait_for_selector("text=4 rows, 0 broken")
    page.wait_for_selector("dt:has-text('Prompts with 2 outputs')")
    page.wait_for_selector("dt:has-text('Wren-2')")
    page.click("button:has-text('Import these prompts')")
    page.wait_for_selector("text=Waits for a worker.")
    actions.run_import(transfer_id=Transfer.objects.get().pk)


def check_what_came_in():
    assert sorted(Prompt.objects.values_list("split", flat=True)) == ["train", "train", "train", "valid"]
    assert Completion.objects.count() == 8
    assert Transfer.objects.get().counts["tasks"] == 4


@pytest.mark.parametrize("javascript", [True, False])
def test_a_packed_folder_is_uploaded_mapped_and_imported(new_page, manager, project, tmp_path, javascript):
    (tmp_path / "birds.zip").write_bytes(zipped(FILES))
    page = new_page(manager, java_script_enabled=javascript, viewport={"width": 390, "height": 844})
    page.goto(reverse("manage-imports", args=[project.public_id]))
    assert page.is_visible("#folder-field") == javascript

    page.set_input_files("[name=file]", tmp_path / "birds.zip")
    page.click("button:has-text('Upload and look')")
    map_and_import(page)
    if not javascript:
        page.click("text=Refresh")
    page.wait_for_selector(".badge:has-text('succeeded')")

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    check_what_came_in()


def test_a_folder_is_chosen_as_it_is_and_only_its_rows_are_sent(new_page, manager, project, tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    page = new_page(manager)
    page.goto(reverse("manage-imports", args=[project.public_id]))

    page.set_input_files("[name=folder]", tmp_path / "birds")
    page.wait_for_selector("text=Files with rows: 2")
    page.click("button:has-text('Upload and look')")
    map_and_import(page)

    transfer = Transfer.objects.get()
    assert transfer.options["file_name"] == "birds"
    assert [file["name"] for file in transfer.options["files"]] == [
        "test-00000-of-00001.parquet",
        "train-00000-of-00001.parquet",
    ]
    check_what_came_in()


def test_several_files_are_chosen_at_once_and_a_folder_without_rows_says_so(
    new_page, manager, project, tmp_path
):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "README.md").write_text("# Nothing")
    for name in ("one.jsonl", "two.jsonl"):
        (tmp_path / name).write_bytes(jsonl({"prompt": name}))
    page = new_page(manager)
    page.goto(reverse("manage-imports", args=[project.public_id]))

    page.set_input_files("[name=folder]", empty)
    page.wait_for_selector("text=No file in this folder holds rows")
    page.set_input_files("[name=file]", [tmp_path / "one.jsonl", tmp_path / "two.jsonl"])
    page.click("button:has-text('Upload and look')")
    page.wait_for_selector("text=2 rows, 0 broken")

    assert Transfer.objects.get().options["file_name"] == "one.jsonl (+1)"


def test_enter_in_a_field_looks_again_and_never_imports(new_page, manager, project, tmp_path):
    (tmp_path / "one.jsonl").write_bytes(jsonl({"prompt": "Why?", "output": "Because."}))
    page = new_page(manager)
    page.goto(reverse("manage-imports", args=[project.public_id]))
    page.set_input_files("[name=file]", tmp_path / "one.jsonl")
    page.click("button:has-text('Upload and look')")
    page.wait_for_selector("text=1 row, 0 broken")

    with page.expect_navigation():
        page.press("[name=output_model_0]", "Enter")

    page.wait_for_selector("text=1 row, 0 broken")
    assert Transfer.objects.get().status == "uploaded"
