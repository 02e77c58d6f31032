"""The history of promotions, and what a rollback leads to."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from labeling.models import Project
from training.models import ModelVersion, Promotion


@dataclass(frozen=True)
class HistoryRow:
    """One promotion, and whether it went back to a version that had been promoted before."""

    promotion: Promotion
    is_rollback: bool


def promotions_of(project: Project) -> QuerySet[Promotion]:
    """Newest first, with what a table shows of each."""
    return Promotion.objects.filter(project=project).select_related("user", "from_version", "to_version")


def history(promotions: list[Promotion]) -> list[HistoryRow]:
    """These promotions (of one project) with the question whether each was a rollback answered."""
    earlier: dict[int, int] = {}
    if promotions:
        rows = Promotion.objects.filter(project=promotions[0].project_id).order_by("pk")
        for pk, from_version, to_version in rows.values_list("pk", "from_version", "to_version"):
            if from_version is not None:
                earlier.setdefault(from_version, 0)
            earlier.setdefault(to_version, pk)
    return [
        HistoryRow(promotion, earlier[promotion.to_version_id] < promotion.pk) for promotion in promotions
    ]


def former_policy(project: Project) -> ModelVersion | None:
    """The policy that was promoted before the present one; None when there was none.

    Going back takes promotions back one by one: after v0, v1, v2 and a rollback to v1 it is v0.
    """
    stack: list[int] = []
    rows = Promotion.objects.filter(project=project).order_by("pk")
    for from_version, to_version in rows.values_list("from_version", "to_version"):
        if from_version is not None and not stack:
            stack.append(from_version)
        if to_version in stack:
            del stack[stack.index(to_version) + 1 :]
        else:
            stack.append(to_version)
    return ModelVersion.objects.get(pk=stack[-2]) if len(stack) > 1 else None


def about(promotions: QuerySet[Promotion], version: ModelVersion) -> QuerySet[Promotion]:
    """Those that led to this version or away from it."""
    return promotions.filter(Q(from_version=version) | Q(to_version=version))
