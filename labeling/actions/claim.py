"""Handing out seats: claiming, renewing and taking back leases.

Leases are written and compared in SQL with the database's clock, never with a process's.
"""

import random
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.errors import Conflict, DomainError
from labeling.models import Assignment, Project, Task, User

LEASE = timedelta(minutes=30)

TAKE_SEAT = """
    UPDATE labeling_task SET seats_taken = seats_taken + 1
    WHERE id = (
        SELECT task.id FROM labeling_task AS task
        WHERE task.project_id = %(project)s AND task.kind = %(kind)s
          AND task.status = 'open' AND task.seats_taken < task.seats_wanted
          AND NOT EXISTS (
              SELECT 1 FROM labeling_assignment AS seat
              WHERE seat.task_id = task.id AND seat.user_id = %(user)s
          )
        ORDER BY task.priority DESC, task.id
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    RETURNING id
"""


@transaction.atomic
def claim_task(*, user: User, project: Project, kind: str) -> Assignment | None:
    """The next task of this kind for this person, leased to them; None when there is none.

    What they have open comes first, then what they let expire, then the next free seat. Refuses
    while the project is paused.
    """
    if kind not in Task.Kind.values:
        raise DomainError("unknown_kind", _("There are no tasks of the kind %s.") % kind)
    if project.paused_at:
        raise Conflict("paused", _("The project is paused. What you have open can still be submitted."))
    # One claim at a time per person, so that a double click opens one task and not two.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    return (
        _open_assignment(user=user, project=project, kind=kind)
        or _lease_again(user=user, project=project, kind=kind)
        or _take_free_seat(user=user, project=project, kind=kind)
        or _take_seat_of_expired_lease(user=user, project=project, kind=kind)
    )


def renew_lease(*, assignment: Assignment) -> bool:
    """Keep the seat while the page is open; False when the lease is over already."""
    return bool(
        Assignment.objects.filter(
            pk=assignment.pk, status=Assignment.Status.LEASED, lease_until__gt=Now()
        ).update(lease_until=Now() + LEASE)
    )


def expire_leases(*, project: Project | None = None) -> int:
    """Give back the seats whose lease ran out; returns how many. Drafts stay with their assignment."""
    overdue = Assignment.objects.filter(status=Assignment.Status.LEASED, lease_until__lte=Now())
    if project is not None:
        overdue = overdue.filter(task__project=project)
    return sum(_give_back(pk) for pk in overdue.values_list("pk", flat=True)[:1000])


@transaction.atomic
def _give_back(pk: int) -> int:
    assignment = (
        Assignment.objects.select_for_update(skip_locked=True)
        .filter(pk=pk, status=Assignment.Status.LEASED, lease_until__lte=Now())
        .first()
    )
    if assignment is None:
        return 0
    free_seat(assignment)
    transitions.change_assignment(assignment, Assignment.Status.EXPIRED, actor=None)
    return 1


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


def _open_assignment(*, user: User, project: Project, kind: str) -> Assignment | None:
    own = Assignment.objects.filter(
        user=user,
        task__project=project,
        task__kind=kind,
        status=Assignment.Status.LEASED,
        lease_until__gt=Now(),
    )
    assignment = own.order_by("claimed_at").first()
    if assignment is not None and not renew_lease(assignment=assignment):
        return None
    return assignment


def _lease_again(*, user: User, project: Project, kind: str) -> Assignment | None:
    expire_leases(project=project)
    expired = Assignment.objects.select_for_update(of=("self",)).filter(
        user=user,
        task__project=project,
        task__kind=kind,
        task__status=Task.Status.OPEN,
        task__seats_taken__lt=F("task__seats_wanted"),
        status=Assignment.Status.EXPIRED,
    )
    for assignment in expired.order_by("claimed_at"):
        if take_seat(assignment):
            # The lease ends by the database's clock, so it is written there and read back.
            Assignment.objects.filter(pk=assignment.pk).update(lease_until=Now() + LEASE)
            assignment.refresh_from_db(fields=["lease_until"])
            transitions.change_assignment(assignment, Assignment.Status.LEASED, actor=user)
            return assignment
    return None


def _take_free_seat(*, user: User, project: Project, kind: str) -> Assignment | None:
    with connection.cursor() as cursor:
        cursor.execute(TAKE_SEAT, {"project": project.pk, "kind": kind, "user": user.pk})
        row = cursor.fetchone()
    if row is None:
        return None
    task = Task.objects.get(pk=row[0])
    slots = list(task.slots.values_list("slot", flat=True))
    random.shuffle(slots)
    assignment = Assignment.objects.create(
        task=task, user=user, lease_until=Now() + LEASE, display_order=slots
    )
    transitions.record_claim(assignment, actor=user)
    assignment.refresh_from_db()
    return assignment


def _take_seat_of_expired_lease(*, user: User, project: Project, kind: str) -> Assignment | None:
    if not expire_leases(project=project):
        return None
    return _take_free_seat(user=user, project=project, kind=kind)
