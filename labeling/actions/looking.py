"""Looking at what others made of a task."""

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.actions.leases import free_seat
from labeling.errors import Conflict
from labeling.models import Assignment, Task, User

Status = Assignment.Status
MAY_LOOK = (Status.SUBMITTED, Status.WROTE, Status.SAW)


@transaction.atomic
def see_judgments(*, task: Task, user: User) -> None:
    """Somebody is about to see what others made of a task: they are not handed it any more.

    The look leaves a row at the task, as a claim would, and nobody is handed a task at which they have a row.
    What is reserved for them goes back. Whoever has judged the task may look as they like. Refuses (Conflict)
    while they have it open: their judgment comes first.
    """
    if Assignment.objects.filter(task=task, user=user, status__in=MAY_LOOK).exists():
        return
    # As the claim does, so that they are not handed it at this moment.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    own = Assignment.objects.select_for_update().filter(task=task, user=user).first()
    if own is None:
        transitions.bar(task, user, Status.SAW)
    elif _is_open(own):
        raise Conflict(
            "open_for_you",
            _(
                "You have this task open yourself: submit or skip it first. "
                "Then you may see what others made of it."
            ),
        )
    elif own.status not in MAY_LOOK:
        free_seat(own)
        transitions.change_assignment(own, Status.SAW, actor=user)


def _is_open(own: Assignment) -> bool:
    """Until its lease is over, by the database's clock."""
    return Assignment.objects.filter(pk=own.pk, status=Status.LEASED, lease_until__gt=Now()).exists()
