"""What can be asked of rubrics."""

import uuid
from functools import lru_cache
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from labeling.composed import Composed, asked
from labeling.models import Project, RubricVersion


def newest_rubric_of(project: Any) -> Subquery:
    """Its primary key, for a query whose rows have a project."""
    return Subquery(RubricVersion.objects.filter(project=project).order_by("-number").values("pk")[:1])


_NEWEST = Composed(
    lambda: Project.objects.filter(pk=asked("project")).values_list(newest_rubric_of(OuterRef("pk")))
)


def newest_rubric(project: Project) -> RubricVersion | None:
    """As of when the project was read, where that told it (access.py)."""
    if not hasattr(project, "newest_rubric_id"):
        [(newest,)] = _NEWEST.all(project=project.pk)
    else:
        newest = project.newest_rubric_id
    return None if newest is None else _version(newest)


@lru_cache(maxsize=1000)
def _version(pk: int) -> RubricVersion:
    """Kept in the process: a version never changes."""
    return RubricVersion.objects.get(pk=pk)


def rubric_shown(project: Project, public_id: str) -> RubricVersion | None:
    """The version that a page has shown, if there is such a one, else the newest."""
    try:
        named = project.rubric_versions.filter(public_id=uuid.UUID(public_id)).first()
    except ValueError:
        named = None
    return named or newest_rubric(project)


def versions_of_rubric(project: Project) -> QuerySet[RubricVersion]:
    """Newest first."""
    return project.rubric_versions.select_related("author").order_by("-number")
