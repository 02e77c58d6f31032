"""Whose judgments wait while they are suspended."""

from django.db.models import Q

from labeling.models import Project, Suspension


def people_set_aside(project: Project) -> list[int]:
    """Primary keys of those who are suspended here, or everywhere, with their past judgments set aside.

    Few at any time, and mostly none: asked for once, so that no judgment is looked at for it.
    """
    here = Q(project=project) | Q(project=None)
    in_force = Suspension.objects.filter(here, lifted_at=None, sets_aside=True)
    return list(in_force.values_list("user", flat=True).order_by().distinct())
