"""The whole way of a manager in a real browser: a project, its guidelines, its prompts, its first tasks."""

import json

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Prompt, Task, Transfer
from tests.making import make_ranking_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def prompts_file(tmp_path):
    rows = [{"prompt": f"Describe colour {n}.", "split": "train", "author": "Ann"} for n in range(8)]
    rows.append({"prompt": "写一首关于秋天的诗。", "language": "zh", "split": "train"})
    path = tmp_path / "colours.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n{broken\n")
    return path


@pytest.mark.parametrize("javascript", [True, False])
def test_from_nothing_to_the_first_task(new_page, manager, tmp_path, javascript):
    page = new_page(manager, java_script_enabled=javascript)
    page.goto("/")
    page.click("text=New project")
    page.fill("[name=name]", "Colours")
    page.fill("[name=languages]", "en, zh")
    page.click("button:has-text('Create project')")

    page.fill("[name=body]", "# What we want\n\nAnswers that are *true*.")
    page.click("button:has-text('Preview')")
    assert page.inner_text("#preview h1") == "What we want"
    page.click("button:has-text('Publish new version')")
    page.wait_for_selector("text=Version 1 is what people see now.")

    page.click("nav >> text=Import")
    page.set_input_files("[name=file]", prompts_file(tmp_path))
    page.click("button:has-text('Upload and look')")
    page.wait_for_selector("text=10 rows, 1 broken.")
    page.click("button:has-text('Import these prompts')")
    page.wait_for_selector("text=Waits for a worker.")
    actions.run_import(transfer_id=Transfer.objects.get().pk)
    if not javascript:
        page.click("text=Refresh")
    page.wait_for_selector(".badge:has-text('succeeded')")

    page.click("text=See tasks")
    assert page.locator("tbody tr").count() == 9 == Task.objects.count() == Prompt.objects.count()
    page.fill("[name=q]", "秋天")
    page.click("button:has-text('Show')")
    page.click("tbody a")
    page.click("button:has-text('Withdraw task')")
    page.wait_for_selector(".badge:has-text('withdrawn')")
    page.click("button:has-text('Re-open task')")
    page.wait_for_selector("text=withdrawn → open")


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_of_a_manager_scrolls_sideways(new_page, manager, project, width):
    task = make_ranking_task(project, ["w" * 400, "two"])
    actions.publish_guidelines(project=project, language="en", body="Be kind. " * 40, author=manager)
    transfer = actions.upload_import(
        project=project,
        actor=manager,
        file_name="a-rather-long-name-of-a-file-of-prompts.jsonl",
        chunks=[json.dumps({"prompt": "x" * 500, "note": "y" * 500}).encode() + b"\nbroken\n"],
    )
    page = new_page(manager, viewport={"width": width, "height": 800})
    project_pages = ("manage", "manage-settings", "manage-guidelines", "manage-people", "manage-tasks")
    project_pages += ("manage-imports", "manage-invitations")
    addresses = [reverse(name, args=[project.public_id]) for name in project_pages]
    addresses += [
        reverse("manage-task", args=[task.public_id]),
        reverse("import", args=[transfer.public_id]),
        reverse("create-project"),
    ]
    for address in addresses:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_the_admin_works_under_the_policy(new_page, person, project):
    admin = person("Admin")
    admin.is_staff = admin.is_superuser = True
    admin.save()
    make_ranking_task(project)
    page = new_page(admin)

    for model in ("labeling_user", "labeling_task", "training_run"):
        page.goto(reverse(f"admin:{model}_changelist"))
        assert "administration" in page.inner_text("#header")
    page.goto(reverse("admin:labeling_task_changelist"))
    page.click("#result_list tbody th a")
    page.wait_for_selector("text=Seats wanted")
    assert page.locator("[name=_save]").count() == 0
