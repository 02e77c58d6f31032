"""Snapshots and model versions, and what a run usually starts from."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from labeling.models import Project
from training.models import ModelVersion, Run, RunInput, Snapshot


def promoted_version(project: Project) -> ModelVersion | None:
    return ModelVersion.objects.filter(project=project, is_promoted=True).first()


def newest_version(project: Project, kind: str) -> ModelVersion | None:
    return ModelVersion.objects.filter(project=project, kind=kind).order_by("-number").first()


def newest_snapshot(project: Project, *, holding: str) -> Snapshot | None:
    """The newest one that is ready and holds this content."""
    return ready_snapshots(project, holding=holding).first()


def ready_snapshots(project: Project, *, holding: str) -> QuerySet[Snapshot]:
    """Those a run can read this content from, newest first."""
    ready = Snapshot.objects.filter(
        project=project, status=Snapshot.Status.READY, contents__contains=[holding]
    )
    return ready.order_by("-pk")


def usual_inputs(project: Project, kind: str) -> dict[str, ModelVersion]:
    """What a run of this kind usually starts from: the promoted policy; pretraining a base model, if there is
    one. PPO and scoring take the newest reward model."""
    inputs: dict[str, ModelVersion | None] = {}
    if kind != Run.Kind.SCORE:
        inputs[RunInput.Role.POLICY] = promoted_version(project)
    if kind == Run.Kind.PRETRAIN:
        base = newest_version(project, ModelVersion.Kind.BASE) or shared_bases().first()
        inputs[RunInput.Role.POLICY] = base or inputs[RunInput.Role.POLICY]
    if kind in {Run.Kind.PPO, Run.Kind.SCORE}:
        inputs[RunInput.Role.REWARD_MODEL] = newest_version(project, ModelVersion.Kind.REWARD_MODEL)
    return {str(role): version for role, version in inputs.items() if version is not None}


def versions_for(project: Project, role: str) -> QuerySet[ModelVersion]:
    """The versions that can take this role in a run, newest first; shared bases come last."""
    mine = ModelVersion.objects.filter(project=project) | ModelVersion.objects.filter(project=None)
    if role == RunInput.Role.REWARD_MODEL:
        return mine.filter(kind=ModelVersion.Kind.REWARD_MODEL).order_by("-number")
    policies = mine.exclude(kind__in=[ModelVersion.Kind.REWARD_MODEL, ModelVersion.Kind.EXTERNAL])
    return policies.order_by("-is_promoted", "kind", "-number")


def version_named(project: Project, name: str) -> ModelVersion | None:
    """A version of the project by kind and number, as in policy:3 or reward_model:1.

    base:1 is the project's own, which pretraining made, before the shared one.
    """
    kind, _colon, number = name.partition(":")
    if not number.removeprefix("v").isdigit():
        return None
    named = ModelVersion.objects.filter(kind=kind, number=int(number.removeprefix("v")))
    own = named.filter(project=project).first()
    return own or named.filter(project=None).first()


def snapshots_of(project: Project) -> QuerySet[Snapshot]:
    """Those taken from the project, newest first; corpora come from files."""
    return (
        Snapshot.objects.filter(project=project)
        .exclude(contents=[Snapshot.Content.CORPUS])
        .select_related("created_by")
        .order_by("-pk")
    )


def corpora_of(project: Project) -> QuerySet[Snapshot]:
    """Text corpora, newest first."""
    corpora = Snapshot.objects.filter(project=project, contents=[Snapshot.Content.CORPUS])
    return corpora.select_related("created_by").order_by("-pk")


def models_of(project: Project) -> QuerySet[ModelVersion]:
    """The project's versions, newest of each kind first, with what the list shows of each."""
    return (
        ModelVersion.objects.filter(project=project)
        .select_related("run__snapshot", "run__created_by")
        .prefetch_related("run__inputs__model_version")
        .order_by("kind", "-number")
    )


def has_own_models(project: Project) -> bool:
    """Whether there is one that runs can read; outputs of models from outside make none."""
    return ModelVersion.objects.filter(project=project).exclude(kind=ModelVersion.Kind.EXTERNAL).exists()


def usual_settings(kind: str, project: Project) -> Mapping[str, Any]:
    """What a form for this kind of run shows beside the engine's defaults."""
    return {"completions_per_prompt": project.completions_per_prompt} if kind == Run.Kind.SAMPLE else {}


def shared_bases() -> QuerySet[ModelVersion]:
    """Models that any project may start from."""
    return ModelVersion.objects.filter(project=None, kind=ModelVersion.Kind.BASE).order_by("-number")
