"""Trials: versions side by side on one prompt."""

from django.db.models import QuerySet

from labeling.models import Project
from training.models import Trial

MOST_TRIALS = 20


def trials_of(project: Project) -> QuerySet[Trial]:
    """The newest ones, with whose answers they hold."""
    return (
        Trial.objects.filter(project=project)
        .select_related("created_by")
        .prefetch_related("answers__model_version")
        .order_by("-pk")[:MOST_TRIALS]
    )
