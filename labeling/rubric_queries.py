"""What can be asked of rubrics."""

import uuid

from django.db.models import QuerySet

from labeling.composed import Composed, asked
from labeling.models import Project, RubricVersion

_NEWEST = Composed(lambda: RubricVersion.objects.filter(project=asked("project")).order_by("-number")[:1])


def newest_rubric(project: Project) -> RubricVersion | None:
    return _NEWEST.first(project=project.pk)


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
