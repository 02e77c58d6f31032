"""How much one person may have open at a time, so that nobody hoards what others could do."""

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling.errors import Conflict
from labeling.models import Assignment, Project, User

# Both hold a seat until their time is over.
HELD = (Assignment.Status.RESERVED, Assignment.Status.LEASED)


def check_room_for_one_more(user: User, project: Project) -> None:
    """Refuses (Conflict) whoever has as many tasks open or reserved as a person may, here or everywhere."""
    here, everywhere = _held(user, project)
    if here >= project.open_tasks:
        message = _("You have %s tasks open in this project, and nobody has more: submit or skip one first.")
        raise Conflict("too_many_open", message % here)
    if everywhere >= settings.OPEN_TASKS_PER_PERSON:
        message = _("You have %s tasks open in all projects, and nobody has more: submit or skip one first.")
        raise Conflict("too_many_open", message % everywhere)


def has_room_for_one_more(user: User, project: Project) -> bool:
    try:
        check_room_for_one_more(user, project)
    except Conflict:
        return False
    return True


def _held(user: User, project: Project) -> tuple[int, int]:
    """(here, in all projects). What ran out is not held any more, whether or not it has been swept."""
    held = Assignment.objects.filter(user=user, status__in=HELD, lease_until__gt=Now())
    counts = held.aggregate(here=Count("pk", filter=Q(task__project=project)), everywhere=Count("pk"))
    return counts["here"], counts["everywhere"]
