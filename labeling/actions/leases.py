"""Leases of seats: keeping them, and giving back those that ran out.

Written and compared in SQL with the database's clock, never with a process's.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from labeling import access, transitions
from labeling.actions.bounds import HELD, has_room_for_one_more
from labeling.models import Assignment, Project, Task, User
from labeling.pauses import is_paused

Status = Assignment.Status

LEASE = timedelta(minutes=30)
# The page asks for it again while the person is at work, so a short one is enough.
RESERVATION = timedelta(minutes=5)


def renew_lease(*, assignment: Assignment) -> bool:
    """Keep the seat while the page is open; False when the lease is over already."""
    return bool(
        Assignment.objects.filter(pk=assignment.pk, status=Status.LEASED, lease_until__gt=Now()).update(
            lease_until=Now() + LEASE
        )
    )


def keep_working(*, assignment: Assignment) -> bool:
    """The page is open and in use: the seat stays; one that was lost is taken again if nobody has it by now.

    False when the person holds no seat, whatever the reason. What they enter is kept all the same.
    """
    held = Assignment.objects.filter(pk=assignment.pk, status=Status.LEASED)
    return bool(held.update(lease_until=Now() + LEASE)) or _lease_again(assignment)


@transaction.atomic
def _lease_again(assignment: Assignment) -> bool:
    # As the claim does: of a page and a claim, or two pages, each counts what the other took.
    user = User.objects.select_for_update(no_key=True).get(pk=assignment.user_id)
    locked = (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("task__project", "user")
        .filter(pk=assignment.pk, status__in=[Status.RESERVED, Status.EXPIRED])
        .first()
    )
    if locked is None or is_paused(locked.task.project) or access.is_suspended(user, locked.task.project):
        return False
    if not locked.holds_seat and not has_room_for_one_more(locked.user, locked.task.project):
        return False
    others = Assignment.objects.filter(
        user=locked.user_id,
        status=Status.LEASED,
        task__project=locked.task.project_id,
        task__kind=locked.task.kind,
    )
    # One open task of a kind: an old window in use again must not hoard a second one.
    if others.exists() or not (locked.holds_seat or take_seat(locked)):
        return False
    begin_lease(locked)
    return True


def begin_lease(assignment: Assignment) -> None:
    """Lease a seat that a locked assignment holds, from now on by the database's clock."""
    Assignment.objects.filter(pk=assignment.pk).update(
        lease_until=Now() + LEASE, claimed_at=Now(), active_counted_at=None
    )
    assignment.refresh_from_db(fields=["lease_until", "claimed_at", "active_counted_at"])
    transitions.change_assignment(assignment, Status.LEASED, actor=assignment.user)


def expire_leases(*, project: Project | None = None) -> int:
    """Give back the seats whose lease or reservation ran out; returns how many. Drafts stay."""
    overdue = Assignment.objects.filter(status__in=HELD, lease_until__lte=Now())
    if project is not None:
        overdue = overdue.filter(task__project=project)
    # By task: of two claims that give seats back within their transactions, neither waits for what the other
    # took first.
    in_order = overdue.order_by("task_id", "pk").values_list("pk", flat=True)
    return sum(_give_back_overdue(pk) for pk in in_order[:1000])


@transaction.atomic
def _give_back_overdue(pk: int) -> int:
    assignment = (
        Assignment.objects.select_for_update(skip_locked=True)
        .filter(pk=pk, status__in=HELD, lease_until__lte=Now())
        .first()
    )
    if assignment is None:
        return 0
    give_back(assignment)
    return 1


def give_back(assignment: Assignment) -> None:
    """Let go of a locked assignment's seat without the person's doing: they may be given it again."""
    free_seat(assignment)
    transitions.change_assignment(assignment, Status.EXPIRED, actor=None)


def free_seat(assignment: Assignment) -> None:
    """Give the seat of a locked assignment back to its task; the caller saves the assignment."""
    if assignment.holds_seat:
        Task.objects.filter(pk=assignment.task_id).update(seats_taken=F("seats_taken") - 1)
    assignment.holds_seat = False
    assignment.lease_until = None


def take_seat(assignment: Assignment) -> bool:
    """Take a free seat of the task for a locked assignment that holds none; False when all are taken."""
    taken = Task.objects.filter(
        pk=assignment.task_id, status=Task.Status.OPEN, seats_taken__lt=F("seats_wanted")
    ).update(seats_taken=F("seats_taken") + 1)
    assignment.holds_seat = bool(taken)
    return bool(taken)
