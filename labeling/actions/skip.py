"""Leaving a task to others."""

from django.db import transaction
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.actions.leases import free_seat
from labeling.errors import Conflict
from labeling.models import Assignment


@transaction.atomic
def skip_task(*, assignment: Assignment) -> None:
    """Give the seat back for good: this person is not asked again. Skipping twice is skipping once.

    Whoever may not judge it any more leaves nothing by it: why they may not stays. Refuses what has been
    submitted (Conflict).
    """
    assignment = Assignment.objects.select_for_update().get(pk=assignment.pk)
    if assignment.status == Assignment.Status.SUBMITTED:
        raise Conflict("submitted", _("You have submitted this task already; it can't be skipped any more."))
    if assignment.status in Assignment.BARRED:
        return
    free_seat(assignment)
    transitions.change_assignment(assignment, Assignment.Status.SKIPPED, actor=assignment.user)
