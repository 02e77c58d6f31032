"""The numbers of a run as curves, each with its title and unit."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from training.models import Metric, Run

MOST_POINTS = 2000
FEWEST_POINTS_OF_SCORES = 2
# Lines that belong into one chart: the same measure on two splits.
SPLITS = {"train": _("train"), "valid": _("valid")}

# Measure → (title, unit of its values). One that is missing here is shown under its own name.
MEASURES: Mapping[str, tuple[Promise, Promise | str]] = {
    "score": (_("Score by the reward model"), ""),
    "kl": (_("Divergence from the reference policy"), _("nats per completion")),
    "loss": (_("Loss"), _("nats")),
    "accuracy": (_("Pairs ordered as people did"), _("share")),
    "length": (_("Length"), _("tokens per completion")),
    "eos_rate": (_("Ended by themselves"), _("share of completions")),
    "distinct_2": (_("Different pairs of words in a row"), _("share")),
    "ptx/loss": (_("Loss on the text corpus"), _("nats")),
    "ptx/grad_norm": (_("Gradient norm of the text corpus"), ""),
    "ptx/ppo_grad_norm": (_("Gradient norm without the text corpus"), ""),
    "kl_coef": (_("KL coefficient"), ""),
    "surprise": (_("Surprise of the policy at its own texts"), _("nats per token")),
    "tokens_per_second": (_("Speed"), _("tokens per second")),
    "policy/loss": (_("Policy loss"), ""),
    "value/loss": (_("Value loss"), ""),
    "value/explained_variance": (_("Returns explained by the value model"), _("share")),
    "policy/clip_fraction": (_("Clipped tokens"), _("share")),
    "policy/approx_kl": (_("Policy change within the step"), _("nats per token")),
    "policy/ratio_max": (_("Largest ratio"), ""),
    "policy/grad_norm": (_("Gradient norm of the policy"), ""),
    "value/grad_norm": (_("Gradient norm of the value model"), ""),
    "grad_norm": (_("Gradient norm"), ""),
    "learning_rate": (_("Learning rate"), ""),
    "kl_k3": (_("Divergence, steadier estimate (k3)"), _("nats per completion")),
    "seconds/write": (_("Time to write completions"), _("seconds per step")),
    "seconds/measure": (_("Time to score and measure"), _("seconds per step")),
    "seconds/update": (_("Time to update"), _("seconds per step")),
}


@dataclass(frozen=True)
class Line:
    name: str
    points: list[tuple[int, float]]


@dataclass(frozen=True)
class Curve:
    """One chart: a measure, and a line for each split it was taken on."""

    measure: str
    title: str
    unit: str
    lines: list[Line]

    @property
    def rows(self) -> list[tuple[int, list[float | None]]]:
        """(step, a value per line), the newest first, for the table behind the chart."""
        values = [dict(line.points) for line in self.lines]
        steps = sorted({step for line in values for step in line}, reverse=True)[:MOST_ROWS]
        return [(step, [line.get(step) for line in values]) for step in steps]


MOST_ROWS = 50


def curves_of(run: Run) -> list[Curve]:
    """Every measure of the run, those that tell most first."""
    lines: dict[str, list[Line]] = {}
    for name, points in metric_series(run).items():
        if run.kind == Run.Kind.SCORE and len(points) < FEWEST_POINTS_OF_SCORES:
            continue  # the figures of the result, told once
        split, _slash, measure = name.partition("/")
        if split in SPLITS and measure:
            lines.setdefault(measure, []).append(Line(str(SPLITS[split]), points))
        else:
            lines.setdefault(name, []).append(Line("", points))
    order = {measure: place for place, measure in enumerate(MEASURES)}
    measures = sorted(lines, key=lambda measure: (order.get(measure, len(order)), measure))
    return [Curve(measure, *title_and_unit(measure), lines[measure]) for measure in measures]


def title_and_unit(measure: str) -> tuple[str, str]:
    title, unit = MEASURES.get(measure, (measure, ""))
    return str(title), str(unit)


def metric_series(run: Run) -> dict[str, list[tuple[int, float]]]:
    """Name → (step, value) in order, at most MOST_POINTS; of a step reported twice, the newer attempt's."""
    series: dict[str, dict[int, float]] = {}
    rows = Metric.objects.filter(run=run).order_by("name", "step", "attempt")
    for name, step, value in rows.values_list("name", "step", "value").iterator():
        series.setdefault(name, {})[step] = value
    return {name: _thinned(list(points.items())) for name, points in series.items()}


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Every n-th point, and always the last."""
    if len(points) <= MOST_POINTS:
        return points
    stride = -(-len(points) // MOST_POINTS)
    return points[:-1:stride] + points[-1:]
