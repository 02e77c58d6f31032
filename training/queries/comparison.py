"""Runs of one kind laid over each other: their curves, and in what their configs differ."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from labeling.models import Project
from training.models import Run
from training.queries.curves import MEASURES, SPLITS, Curve, Line, metric_series, title_and_unit
from training.queries.runs import runs_of

FEWEST_RUNS, MOST_RUNS = 2, 6
MOST_OFFERED = 30


def comparable_runs(project: Project, kind: str) -> QuerySet[Run]:
    """The newest runs of a kind that have begun, for a person to choose from."""
    return runs_of(project).filter(kind=kind, attempt__gt=0)[:MOST_OFFERED]


def most_comparable_kind(project: Project) -> str:
    """The kind of training run with the most runs that have begun; PPO when none has."""
    kinds = runs_of(project).filter(attempt__gt=0).exclude(kind=Run.Kind.SAMPLE).order_by()
    most = kinds.values("kind").annotate(begun=Count("pk")).order_by("-begun", "kind").first()
    return str(most["kind"]) if most else Run.Kind.PPO


def curves_over_each_other(runs: Sequence[Run]) -> list[Curve]:
    """A chart for each measure and split, with a line for each run that reported it."""
    lines: dict[str, list[Line]] = {}
    for run in runs:
        for name, points in metric_series(run).items():
            lines.setdefault(name, []).append(Line(str(run), points))
    order = {measure: place for place, measure in enumerate(MEASURES)}

    def place(name: str) -> tuple[int, str]:
        split, measure = _split_and_measure(name)
        return order.get(measure, len(order)), f"{measure}/{split}"

    return [Curve(name, *_title_and_unit(name), lines[name]) for name in sorted(lines, key=place)]


def differences(runs: Sequence[Run]) -> list[tuple[str, list[Any]]]:
    """(field, its value in each run), for what is not the same in all: inputs, snapshot, config."""
    described = [_described(run) for run in runs]
    names = {name: None for fields in described for name in fields}
    rows = [(name, [fields.get(name) for fields in described]) for name in names]
    return [(name, values) for name, values in rows if any(value != values[0] for value in values)]


def _described(run: Run) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for entry in run.inputs.all():  # an ensemble is several in one role
        role, version = str(entry.get_role_display()), str(entry.model_version)
        inputs[role] = f"{inputs[role]}, {version}" if role in inputs else version
    snapshot = {_("snapshot"): str(run.snapshot)} if run.snapshot else {}
    corpus = {_("text corpus"): str(run.corpus)} if run.corpus else {}
    return inputs | snapshot | corpus | run.config


def _split_and_measure(name: str) -> tuple[str, str]:
    split, _slash, measure = name.partition("/")
    return (split, measure) if split in SPLITS and measure else ("", name)


def _title_and_unit(name: str) -> tuple[str, str]:
    split, measure = _split_and_measure(name)
    title, unit = title_and_unit(measure)
    return (f"{title}, {SPLITS[split]}" if split else title), unit
