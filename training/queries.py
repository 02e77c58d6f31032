"""What can be asked of runs, models and snapshots."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone

from labeling.models import Project, Task
from training.models import Metric, ModelVersion, Run, RunAttempt, RunInput, SampledText, Snapshot

MOST_POINTS = 2000
MOST_TEXTS = 12
LOG_TAIL = 8_000


@dataclass(frozen=True)
class Pace:
    """How fast a run goes: units a second, and the seconds left; None while that cannot be told."""

    rate: float | None
    seconds_left: float | None


def promoted_version(project: Project) -> ModelVersion | None:
    return ModelVersion.objects.filter(project=project, is_promoted=True).first()


def newest_version(project: Project, kind: str) -> ModelVersion | None:
    return ModelVersion.objects.filter(project=project, kind=kind).order_by("-number").first()


def newest_snapshot(project: Project) -> Snapshot | None:
    """The newest one that is ready."""
    return snapshots_of(project).filter(status=Snapshot.Status.READY).first()


def usual_inputs(project: Project, kind: str) -> dict[str, ModelVersion]:
    """What a run of this kind usually starts from: the promoted policy, and for PPO the newest reward model."""
    inputs = {RunInput.Role.POLICY: promoted_version(project)}
    if kind == Run.Kind.PPO:
        inputs[RunInput.Role.REWARD_MODEL] = newest_version(project, ModelVersion.Kind.REWARD_MODEL)
    return {str(role): version for role, version in inputs.items() if version is not None}


def versions_for(project: Project, role: str) -> QuerySet[ModelVersion]:
    """The versions that can take this role in a run, newest first; shared bases come last."""
    mine = ModelVersion.objects.filter(project=project) | ModelVersion.objects.filter(project=None)
    if role == RunInput.Role.REWARD_MODEL:
        return mine.filter(kind=ModelVersion.Kind.REWARD_MODEL).order_by("-number")
    return mine.exclude(kind=ModelVersion.Kind.REWARD_MODEL).order_by("-is_promoted", "kind", "-number")


def version_named(project: Project, name: str) -> ModelVersion | None:
    """A version of the project by kind and number, as in policy:3 or reward_model:1."""
    kind, _colon, number = name.partition(":")
    if not number.removeprefix("v").isdigit():
        return None
    return ModelVersion.objects.filter(
        project=None if kind == ModelVersion.Kind.BASE else project, kind=kind, number=int(number.removeprefix("v"))
    ).first()


def snapshots_of(project: Project) -> QuerySet[Snapshot]:
    return Snapshot.objects.filter(project=project).select_related("created_by").order_by("-pk")


def runs_of(project: Project) -> QuerySet[Run]:
    return (
        Run.objects.filter(project=project)
        .select_related("created_by", "model_version")
        .prefetch_related("inputs__model_version")
        .order_by("-pk")
    )


def models_of(project: Project) -> QuerySet[ModelVersion]:
    """The project's versions, newest of each kind first, with what the list shows of each."""
    return (
        ModelVersion.objects.filter(project=project)
        .select_related("run__snapshot", "run__created_by")
        .prefetch_related("run__inputs__model_version")
        .order_by("kind", "-number")
    )


def pace_of(run: Run) -> Pace:
    """Reckoned over the current attempt: what an earlier one did took time that is over."""
    attempt = RunAttempt.objects.filter(run=run, number=run.attempt).first()
    if run.status != Run.Status.RUNNING or attempt is None or attempt.progress_from_at is None:
        return Pace(None, None)
    seconds = (timezone.now() - attempt.progress_from_at).total_seconds()
    done = run.progress_done - (attempt.progress_from or 0)
    if done <= 0 or seconds < 1:
        return Pace(None, None)
    rate = done / seconds
    return Pace(rate, (run.progress_total - run.progress_done) / rate)


def metric_series(run: Run) -> dict[str, list[tuple[int, float]]]:
    """Name → (step, value) in order; of a step reported twice, the newer attempt's. At most MOST_POINTS each."""
    series: dict[str, dict[int, float]] = {}
    rows = Metric.objects.filter(run=run).order_by("name", "step", "attempt")
    for name, step, value in rows.values_list("name", "step", "value").iterator():
        series.setdefault(name, {})[step] = value
    return {name: _thinned(list(points.items())) for name, points in series.items()}


def sampled_texts(run: Run) -> QuerySet[SampledText]:
    return SampledText.objects.filter(run=run).order_by("-step", "-position")[:MOST_TEXTS]


def opened_tasks(run: Run) -> int:
    """Ranking tasks made of this run's completions."""
    return Task.objects.filter(completions__sample__run=run).aggregate(n=Count("pk", distinct=True))["n"]


def log_tail(run: Run) -> str:
    """The end of what the engine has printed, from a whole line on."""
    try:
        with (run.directory / "log.txt").open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(0, size - LOG_TAIL))
            tail = log.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return tail if size <= LOG_TAIL else tail.partition("\n")[2]


def usual_settings(kind: str, project: Project) -> Mapping[str, Any]:
    """What a form for this kind of run shows beside the engine's defaults."""
    return {"completions_per_prompt": project.completions_per_prompt} if kind == Run.Kind.SAMPLE else {}


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Every n-th point, and always the last."""
    if len(points) <= MOST_POINTS:
        return points
    stride = -(-len(points) // MOST_POINTS)
    return points[:-1:stride] + points[-1:]
