"""The run page in a real browser with the content security policy enforced: curves, polling, hostile text."""

import math

import pytest
from django.urls import reverse

from tests.making import make_prompt
from tests.training.making import make_claimed_run, make_promoted, make_version
from training import actions

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def run(project, tmp_path):
    make_prompt(project)
    return make_claimed_run(make_promoted(make_version(project, tmp_path / "policy")))


def report(run, *events, start=0):
    actions.record_events(run_id=run.pk, attempt=run.attempt, events=list(enumerate(events, start=start)))


def step(n):
    values = {"train/score": math.log(n + 1), "valid/score": math.log(n + 1) - 0.2, "train/kl": n * n / 40}
    return {"type": "metrics", "attempt": 1, "step": n, "values": values}


def drawn(page, measure):
    """Whether the chart of this measure has anything on it."""
    return page.locator(f'[data-measure="{measure}"] canvas').evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].some(v => v)"
    )


def test_curves_are_drawn_and_grow_while_the_run_works(new_page, engineer, run):
    report(run, step(1), step(2))
    page = new_page(engineer)
    page.goto(reverse("run", args=[run.public_id]))
    page.wait_for_function(
        "() => window.Chart?.getChart(document.querySelector('[data-measure=score] canvas'))"
    )
    assert drawn(page, "score")

    hostile = "<img src=x onerror=alert(1)>"
    text = {"type": "text", "attempt": 1, "step": 3, "prompt": "p", "completion": hostile, "score": 1.0}
    report(
        run,
        step(3),
        {"type": "progress", "attempt": 1, "done": 3, "total": 9, "unit": "steps"},
        text,
        start=10,
    )
    more = {"type": "metrics", "attempt": 1, "step": 3, "values": {"policy/loss": 0.5}}
    report(run, more, start=20)

    page.locator("progress[value='3']").wait_for()
    page.get_by_text(hostile).wait_for()
    page.locator("[data-measure='policy/loss']").wait_for(timeout=15_000)
    lines = page.evaluate(
        "() => Chart.getChart(document.querySelector('[data-measure=score] canvas'))"
        ".data.datasets.map(d => d.data.length)"
    )
    assert lines == [3, 3]
    page.locator("[data-measure=score] summary").click()
    assert page.locator("[data-measure=score] tbody tr").count() == 3


def test_the_page_comes_to_rest_when_the_run_is_cancelled(new_page, engineer, run):
    page = new_page(engineer)
    page.goto(reverse("run", args=[run.public_id]))

    page.get_by_role("button", name="Cancel run").click()
    page.get_by_text("stopping").wait_for()
    actions.end_cancelled_run(run_id=run.pk, attempt=1, exit_code=75)

    page.locator("#live[data-over=yes]").wait_for()
    assert page.get_by_role("button", name="Cancel run").count() == 0
