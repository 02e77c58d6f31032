"""A project is launched in a real browser: template, prompts, plan, pilot, go; with and without scripts."""

import json
import re

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Plan, Project, Prompt, Task, Transfer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OUTPUTS = ("An apple a day.", "Bridges are long.", "Candles burn down.")


def prompts_file(tmp_path):
    rows = [{"prompt": f"Describe colour {n}.", "language": "en", "split": "train"} for n in range(9)]
    rows += [{"prompt": f"描述第{n}种颜色。", "language": "zh", "split": "train"} for n in range(3)]
    path = tmp_path / "colours.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def work_through(project, user):
    """Everything there is for this person, ranked in the order of the slots."""
    while assignment := actions.claim_task(user=user, project=project, kind="rank"):
        places = [(number, slot) for number, slot in enumerate(assignment.display_order, start=1)]
        actions.submit_ranking(
            assignment=assignment, places=places, idempotency_key="k", answers=(), active_seconds=60
        )


@pytest.mark.parametrize("javascript", [True, False])
def test_from_a_template_to_all_tasks_open(new_page, manager, person, tmp_path, javascript):
    page = new_page(manager, java_script_enabled=javascript)

    # 1. a project, from a template
    page.goto("/")
    page.click("text=New project")
    page.click("text=Two outputs, fast comparison")
    page.fill("[name=name]", "Colours")
    page.click("button:has-text('Create project')")
    page.wait_for_selector("#checklist")
    assert page.locator("#checklist .badge:has-text('missing')").count() == 5 + 1  # and how many
    project = Project.objects.get(name="Colours")

    # 2. people and prompts
    for name in ("Ada", "Ben"):
        person(name, "annotator", project=project)
    page.click("#checklist >> text=Prompts")
    page.set_input_files("[name=file]", prompts_file(tmp_path))
    page.click("button:has-text('Upload and look')")
    page.uncheck("[name=ask_for_demonstrations]")
    page.click("button:has-text('Import these prompts')")
    page.wait_for_selector("text=Waits for a worker.")
    actions.run_import(transfer_id=Transfer.objects.get().pk)
    for prompt in Prompt.objects.all():
        for text in OUTPUTS:
            actions.add_completion(prompt=prompt, text=text, origin="import")

    # 3. the plan
    page.goto(reverse("manage-plan", args=[project.public_id]))
    page.fill("[name=hourly_rate]", "30")
    page.fill("[name=currency]", "EUR")
    page.fill("[name=minutes]", "10")
    if not javascript:
        page.click("button:has-text('Work it out')")
    # 12 prompts, 2 of them by two people: 14 judgments of 10 minutes, at 30 an hour.
    page.wait_for_selector("#forecast :text('70 EUR')")
    page.click("button:has-text('Apply this plan')")
    page.wait_for_selector("text=The plan is applied")
    assert Plan.objects.get().workload.judgments == 14

    # 4. the pilot: three English tasks and one Chinese, each by both
    page.click("nav >> text=Pilot")
    page.select_option("[name=kind]", "rank")
    page.fill("[name=size]", "4")
    page.click("button:has-text('Start the pilot')")
    page.wait_for_selector("text=0 of 8 judgments of 4 tasks")
    for user in project.memberships.filter(role="annotator"):
        work_through(project, user.user)
    page.reload()
    page.wait_for_selector("text=8 of 8 judgments of 4 tasks")
    assert "100.0 %" in page.inner_text(".figures")

    # 5. go
    page.click("button:has-text('Go: open the rest')")
    page.wait_for_selector("text=Waits for a worker.")
    actions.run_opening(transfer_id=Transfer.objects.get(direction="tasks").pk)
    if not javascript:
        page.click("text=Refresh")
    page.wait_for_selector(".badge:has-text('succeeded')")
    assert Task.objects.filter(kind="rank").count() == 12
    page.click("nav >> text=Overview")
    assert page.locator("#checklist").count() == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_of_the_launch_scrolls_sideways(new_page, manager, project, person, width):
    person("A" * 60, "annotator", project=project)
    for n in range(2):
        prompt = actions.add_prompt(
            project=project, messages=[{"role": "user", "content": f"Why {n}?"}], author=manager
        )
        for text in OUTPUTS:
            actions.add_completion(prompt=prompt, text=text, origin="import")
    page = new_page(manager, viewport={"width": width, "height": 800})
    names = ("manage", "manage-plan", "manage-pilot", "manage-open")
    addresses = [reverse(name, args=[project.public_id]) for name in names]
    addresses.append(f"{reverse('create-project')}?copy={project.public_id}")
    for _ in range(2):
        for address in addresses:
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        if not project.pilots.exists():
            actions.start_pilot(project=project, actor=manager, kind="rank", size=1)


def test_the_plan_follows_what_is_typed_and_says_what_is_wrong(new_page, manager, project):
    page = new_page(manager)
    page.goto(reverse("manage-plan", args=[project.public_id]))
    page.fill("[name=prompts]", "2000")
    page.fill("[name=minutes]", "6.5")
    page.wait_for_selector("#forecast dd:text-is('217')")
    page.fill("[name=overlap_share]", "15")
    page.fill("[name=overlap_people]", "3")
    page.wait_for_selector("#forecast dd:text-is('282')")

    page.fill("[name=people]", "0")
    page.wait_for_selector("#forecast [role=alert]:has-text('People at work')")
    page.fill("[name=people]", "12")
    page.wait_for_selector("#forecast dd:text-is('282')")
    page.click("#forecast a:has-text('Every task by two')")

    page.wait_for_selector("#forecast dd:text-is('433')")
    assert re.search(r"overlap_share=100", page.url)
