"""Where a model version comes from and what came of it: parents, children, and the judgments behind it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from labeling.models import Prompt, Submission, Task
from training.models import ModelVersion, Run, SnapshotMember

# Which judgments of its snapshot a kind of run reads. A reward model's scores are centred on demonstrations.
READS: dict[str, tuple[str, ...]] = {
    Run.Kind.SFT: (Task.Kind.DEMONSTRATE,),
    Run.Kind.REWARD_MODEL: (Task.Kind.RANK, Task.Kind.DEMONSTRATE),
}

NAMES = {Task.Kind.RANK: _("rankings"), Task.Kind.DEMONSTRATE: _("demonstrations")}


@dataclass(frozen=True)
class Judgments:
    """The judgments of one kind that one version was trained and measured on."""

    version: ModelVersion
    kind: str
    trained_on: int
    measured_on: int
    annotators: int
    simulated: int


@dataclass(frozen=True)
class Lineage:
    """Everything behind a version: itself first, then its parents, and theirs; and who judged for them."""

    ancestry: list[ModelVersion]
    judgments: list[Judgments]
    submissions: int
    annotators: int
    simulated: int


def children_of(version: ModelVersion) -> QuerySet[ModelVersion]:
    """The versions made by runs that read this one, the newest first."""
    return ModelVersion.objects.filter(run__inputs__model_version=version).order_by("-pk").distinct()


def lineage_of(version: ModelVersion) -> Lineage:
    ancestry = _ancestry(version)
    snapshots = {v.pk: v.run.snapshot_id for v in ancestry if v.run and v.run.kind in READS}
    members = SnapshotMember.objects.filter(snapshot__in=set(snapshots.values()))
    counted = {
        (row["snapshot"], row["submission__assignment__task__kind"]): row
        for row in members.values("snapshot", "submission__assignment__task__kind").annotate(**_COUNTS)
    }
    judgments = []
    read = Q(pk__in=[])
    for ancestor in ancestry:
        for kind in READS.get(ancestor.run.kind, ()) if ancestor.run else ():
            row = counted.get((snapshots[ancestor.pk], kind))
            if row is not None:
                judgments.append(_judgments(ancestor, kind, row))
                read |= Q(snapshot=snapshots[ancestor.pk], submission__assignment__task__kind=kind)
    total = members.filter(read).aggregate(
        submissions=Count("submission", distinct=True), annotators=_ANNOTATORS, simulated=_SIMULATED
    )
    return Lineage(ancestry, judgments, **total)


_ANNOTATORS = Count("submission__assignment__user", distinct=True)
_SIMULATED = Count(
    "submission__assignment__user",
    distinct=True,
    filter=Q(submission__origin=Submission.Origin.SIMULATED),
)
_COUNTS = {
    "trained_on": Count("pk", filter=Q(submission__assignment__task__prompt__split=Prompt.Split.TRAIN)),
    "measured_on": Count("pk", filter=Q(submission__assignment__task__prompt__split=Prompt.Split.VALID)),
    "annotators": _ANNOTATORS,
    "simulated": _SIMULATED,
}


def _judgments(version: ModelVersion, kind: str, row: dict[str, int]) -> Judgments:
    return Judgments(
        version=version,
        kind=str(NAMES[Task.Kind(kind)]),
        trained_on=row["trained_on"],
        measured_on=row["measured_on"],
        annotators=row["annotators"],
        simulated=row["simulated"],
    )


def _ancestry(version: ModelVersion) -> list[ModelVersion]:
    """One query a generation, whatever its size; a version that is reached twice stands once."""
    found: dict[int, ModelVersion] = {}
    generation: Sequence[ModelVersion] = [version]
    while generation:
        found |= {v.pk: v for v in generation}
        runs = [v.run_id for v in generation if v.run_id]
        generation = list(
            ModelVersion.objects.filter(used_as__run__in=runs)
            .exclude(pk__in=found)
            .select_related("run__snapshot")
            .order_by("-pk")
            .distinct()
        )
    return list(found.values())
