"""Runs laid over each other, and two models on one prompt, in a real browser; the colors of the lines."""

import re
from itertools import combinations
from pathlib import Path

import pytest
from django.urls import reverse

from tests.making import make_prompt
from tests.training.making import make_claimed_run, make_promoted, make_version
from tests.training.test_trials import answer_of
from training import actions
from training.models import Metric, Trial

STYLESHEET = Path(__file__).resolve().parent.parent.parent / "static" / "app.css"
# How people see colors who lack one of the three (Machado et al. 2009, severity 1), on linear RGB.
VISIONS = {
    "all three": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "no green": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "no blue": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}
BACKGROUNDS = {"light": "#ffffff", "dark": "#1d2025"}


def linear(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def luminance(rgb):
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def lab(rgb):
    """CIE L*a*b* of linear RGB, D65: equal distances look equally different."""
    r, g, b = (min(1.0, max(0.0, c)) for c in rgb)
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        luminance((r, g, b)),
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    )
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen(color, vision):
    rgb = linear(color)
    return lab([sum(w * c for w, c in zip(row, rgb, strict=True)) for row in VISIONS[vision]])


def series(theme):
    found = re.findall(r"--series-\d: light-dark\((#\w{6}), (#\w{6})\)", STYLESHEET.read_text())
    assert len(found) == 6
    return [pair[0 if theme == "light" else 1] for pair in found]


@pytest.mark.parametrize("theme", BACKGROUNDS)
def test_every_line_stands_out_from_the_page(theme):
    behind = luminance(linear(BACKGROUNDS[theme]))

    for color in series(theme):
        light, dark = sorted((luminance(linear(color)), behind), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, color


@pytest.mark.parametrize("theme", BACKGROUNDS)
@pytest.mark.parametrize("vision", VISIONS)
def test_no_two_lines_look_alike_whatever_colors_one_sees(theme, vision):
    distances = {
        (a, b): sum((x - y) ** 2 for x, y in zip(seen(a, vision), seen(b, vision), strict=True)) ** 0.5
        for a, b in combinations(series(theme), 2)
    }

    assert min(distances.values()) > 20, min(distances, key=distances.__getitem__)


# --- in the browser


@pytest.fixture
def model(project, tmp_path):
    make_prompt(project)
    return make_promoted(make_version(project, tmp_path / "policy"))


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_lines_of_three_runs_are_drawn_over_each_other(new_page, engineer, project, model):
    runs = [make_claimed_run(model) for _ in range(3)]
    for run in runs:
        Metric.objects.bulk_create(
            Metric(run=run, attempt=1, step=step, name="train/score", value=step**0.5 + run.pk)
            for step in range(1, 31)
        )
    page = new_page(engineer)
    page.goto(reverse("compare-runs", args=[project.public_id]) + "?kind=sample")
    for run in runs:
        page.locator(f"input[value='{run.public_id}']").check()
    page.get_by_role("button", name="Lay over each other").click()
    page.wait_for_function(
        "() => window.Chart?.getChart(document.querySelector('[data-measure=\"train/score\"] canvas'))"
    )

    lines = page.evaluate(
        "() => Chart.getChart(document.querySelector('[data-measure=\"train/score\"] canvas'))"
        ".data.datasets.map(d => ({label: d.label, points: d.data.length, color: d.borderColor,"
        " dash: d.borderDash.join(), mark: d.pointStyle}))"
    )
    assert {line["label"] for line in lines} == {str(run) for run in runs}
    assert {line["points"] for line in lines} == {30}
    for distinct in ("color", "dash", "mark"):
        assert len({line[distinct] for line in lines}) == 3
    page.locator("[data-measure='train/score'] summary").click()
    assert page.locator("[data-measure='train/score'] tbody tr").count() == 30


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_two_models_are_tried_from_the_form_to_both_answers(new_page, engineer, project, model, tmp_path):
    make_version(project, tmp_path / "other")
    page = new_page(engineer, viewport={"width": 390, "height": 844})
    page.goto(reverse("try-models", args=[project.public_id]))
    page.get_by_label("Prompt").fill("Why is the sky blue?")
    page.get_by_role("button", name="Have both answer").click()
    page.get_by_text("Waits for a worker.").first.wait_for()

    one, two = Trial.objects.get().answers.select_related("run")
    for answer, said in (
        (one, "Because of " + "scattering " * 40),
        (two, "<img src=x onerror=alert(1)> blue"),
    ):
        answer_of(answer.run, said)
        actions.finish_run(run_id=answer.run.pk, attempt=1, result={"metrics": {}})

    page.locator("#answers[data-over=yes]").wait_for()
    page.get_by_text("Because of scattering").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
