"""What programs ask of runs and models that pages do not."""

import math
import uuid
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from labeling.models import Project
from training.models import Metric, ModelVersion, Run

MOST_VALUES = 5000


@dataclass(frozen=True)
class MetricValue:
    step: int
    name: str
    value: float | None  # None for what is no number: JSON has no word for it


@dataclass(frozen=True)
class MetricsSince:
    """Values in the order of their steps, and where to go on."""

    attempt: int
    values: list[MetricValue]
    last_step: int | None
    has_more: bool


def metrics_since(run: Run, *, step: int, names: list[str]) -> MetricsSince:
    """What the run has reported after this step, whole steps at a time; of one reported twice, the newer."""
    rows = Metric.objects.filter(run=run, step__gt=step)
    if names:
        rows = rows.filter(name__in=names)
    found = list(
        rows.order_by("step", "name", "attempt").values_list("step", "name", "value")[: MOST_VALUES + 1]
    )
    has_more = len(found) > MOST_VALUES
    if has_more:
        unfinished = found[-1][0]
        found = [row for row in found if row[0] != unfinished]
    newest = {(at, name): value for at, name, value in found}
    values = [
        MetricValue(at, name, value if math.isfinite(value) else None) for (at, name), value in newest.items()
    ]
    return MetricsSince(run.attempt, values, values[-1].step if values else None, has_more)


def versions_readable_in(project: Project) -> QuerySet[ModelVersion]:
    """The project's versions and the shared bases, with what a row tells of each."""
    return (
        ModelVersion.objects.filter(Q(project=project) | Q(project=None))
        .select_related("run", "project")
        .prefetch_related("run__inputs__model_version")
    )


def versions_by_public_id(project: Project, public_ids: list[uuid.UUID]) -> dict[uuid.UUID, ModelVersion]:
    """Those of them that this project may read."""
    return {v.public_id: v for v in versions_readable_in(project).filter(public_id__in=public_ids)}
