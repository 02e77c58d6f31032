"""The manager's overview in a real browser: its charts, and a change of many with and without a script."""

import datetime

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from labeling import actions
from labeling.actions import bulk_work
from labeling.models import BulkChange, Prompt, Task
from tests.labeling.working import rank, write
from tests.making import make_demonstration_task, make_prompt, make_ranking_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The colors of a chart's pixels that are not its background.
PAINTED = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colors = new Set();
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 250) colors.add(data.slice(i, i + 3).join());
  return colors.size;
}"""


@pytest.fixture
def worked(project, annotator):
    cache.clear()
    today = timezone.now().date()
    for back in range(6):
        make_ranking_task(project)
        make_demonstration_task(project)
        rank(annotator, project, seconds=1200 + 300 * back, on=today - datetime.timedelta(days=back))
        write(annotator, project, seconds=600, on=today - datetime.timedelta(days=back))
    make_ranking_task(project)
    return project


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_chart_is_drawn_from_the_table_behind_it(worked, manager, new_page, scheme):
    page = new_page(manager, color_scheme=scheme)
    page.goto(reverse("manage", args=[worked.public_id]))

    page.wait_for_function("document.querySelectorAll('canvas').length === 2")
    for canvas in page.locator("canvas").all():
        assert canvas.evaluate(PAINTED) > 3
    chart = page.evaluate("""() => {
        const { data, options } = Chart.getChart(document.querySelector("canvas"));
        const sets = data.datasets.map(({ label, data }) => [label, data]);
        return [data.labels, sets, options.scales.y.title.text];
    }""")
    today = timezone.now().date()
    assert chart[0] == [str(today - datetime.timedelta(days=back)) for back in range(5, -1, -1)]
    assert chart[1] == [["ranked", [1] * 6], ["written", [1] * 6]]
    assert chart[2] == "judgments"
    page.click("summary:has-text('Table') >> nth=1")
    newest = page.locator("figure >> nth=1").locator("tbody tr").first
    assert newest.inner_text().split() == [str(today), "0.5"]


@pytest.mark.parametrize(
    "name", ["manage", "manage-people", "manage-tasks", "manage-prompts", "manage-audit"]
)
def test_on_a_phone_nothing_scrolls_sideways(worked, manager, new_page, name):
    page = new_page(manager, viewport={"width": 390, "height": 844})

    page.goto(reverse(name, args=[worked.public_id]))

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("javascript", [True, False])
def test_all_tasks_are_withdrawn_step_by_step(project, manager, new_page, monkeypatch, javascript):
    monkeypatch.setattr(bulk_work, "BATCH", 2)
    monkeypatch.setattr(bulk_work, "SECONDS", 0)
    prompt = make_prompt(project)
    Task.objects.bulk_create(Task(project=project, prompt=prompt, kind="rank") for _ in range(5))
    page = new_page(manager, java_script_enabled=javascript)
    page.goto(reverse("manage-tasks", args=[project.public_id]))

    page.check("text=All of them")
    page.select_option("[name=change]", "withdraw")
    page.click("text=Go on…")
    page.wait_for_selector("h1:has-text('Withdraw: 5 tasks')")
    page.click("button:has-text('Withdraw: 5')")
    page.wait_for_selector("text=2 / 5")
    actions.run_bulk_change(change_id=BulkChange.objects.get().pk)  # as a worker would
    if not javascript:
        page.click("text=Refresh")
    page.wait_for_selector("text=5 of 5 were changed.")

    assert Task.objects.filter(status="withdrawn").count() == 5
    assert BulkChange.objects.get().changed == 5


def test_prompts_are_ticked_one_by_one_or_all_at_once(project, manager, new_page):
    prompts = [make_prompt(project) for _ in range(3)]
    page = new_page(manager)
    page.goto(reverse("manage-prompts", args=[project.public_id]))

    page.check("text=All of them")
    page.check("#tick-all")
    assert page.locator("[name=row]:checked").count() == 3
    assert page.is_checked("[name=scope][value=ticked]")
    page.uncheck("[name=row] >> nth=0")
    assert not page.is_checked("#tick-all")
    page.select_option("[name=change]", "mark")
    page.click("text=Go on…")
    page.check("text=hatred of groups")
    page.click("button:has-text('Mark as sensitive: 2')")
    page.wait_for_selector("text=2 of 2 were changed.")

    marked = Prompt.objects.filter(topics=["hate"])
    assert set(marked) == set(prompts[:2])  # the newest is the first row
