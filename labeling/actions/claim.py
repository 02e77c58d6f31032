"""Handing out seats: the next task, now or reserved for the moment after this one."""

import random

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.actions.leases import LEASE, RESERVATION, begin_lease, expire_leases, give_back, take_seat
from labeling.errors import Conflict, DomainError
from labeling.models import Assignment, Project, Task, User

Status = Assignment.Status

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

    What they have open comes first, then what is reserved for them, what they let expire, the next free
    seat, and at last a seat that is only reserved for somebody else. Refuses while the project is paused.
    """
    if kind not in Task.Kind.values:
        raise DomainError("unknown_kind", _("There are no tasks of the kind %s.") % kind)
    if project.paused_at:
        raise Conflict("paused", _("The project is paused. What you have open can still be submitted."))
    _one_claim_at_a_time(user)
    return (
        _open_assignment(user=user, project=project, kind=kind)
        or _take_up_reservation(user=user, project=project, kind=kind)
        or _lease_again(user=user, project=project, kind=kind)
        or _take_free_seat(user=user, project=project, kind=kind, to=Status.LEASED)
        or _take_seat_of_expired_lease(user=user, project=project, kind=kind)
        or _take_seat_reserved_for_another(user=user, project=project, kind=kind)
    )


@transaction.atomic
def reserve_task(*, user: User, project: Project, kind: str) -> Assignment | None:
    """Hold the next task for somebody who is at work on one of this kind; None when there is nothing to hold.

    Asked again, the reservation lasts longer. A person has one at a time: that of another kind goes back.
    """
    if project.paused_at or kind not in Task.Kind.values:
        return None
    _one_claim_at_a_time(user)
    own = Assignment.objects.filter(user=user, task__project=project, task__kind=kind)
    if not own.filter(status=Status.LEASED).exists() or _leasable_again(user, project, kind).exists():
        return None
    held = (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("task")
        .filter(user=user, status=Status.RESERVED)
        .first()
    )
    if held is not None:
        if _is_for(held, project, kind):
            Assignment.objects.filter(pk=held.pk).update(lease_until=Now() + RESERVATION)
            return held
        give_back(held)
    return _take_free_seat(user=user, project=project, kind=kind, to=Status.RESERVED)


def _one_claim_at_a_time(user: User) -> None:
    """So that a double click opens one task and not two."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _is_for(held: Assignment, project: Project, kind: str) -> bool:
    task = held.task
    return (task.project_id, task.kind, task.status) == (project.pk, kind, Task.Status.OPEN)


def _open_assignment(*, user: User, project: Project, kind: str) -> Assignment | None:
    own = Assignment.objects.filter(
        user=user,
        task__project=project,
        task__kind=kind,
        status=Status.LEASED,
        lease_until__gt=Now(),
    )
    assignment = own.order_by("claimed_at").first()
    if assignment is None:
        return None
    # Somebody's sweep may be faster.
    kept = Assignment.objects.filter(pk=assignment.pk, status=Status.LEASED).update(lease_until=Now() + LEASE)
    return assignment if kept else None


def _take_up_reservation(*, user: User, project: Project, kind: str) -> Assignment | None:
    held = (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("task", "user")
        .filter(user=user, status=Status.RESERVED)
        .first()
    )
    if held is None or not _is_for(held, project, kind):
        return None
    begin_lease(held)
    return held


def _leasable_again(user: User, project: Project, kind: str) -> QuerySet[Assignment]:
    return Assignment.objects.filter(
        user=user,
        task__project=project,
        task__kind=kind,
        task__status=Task.Status.OPEN,
        task__seats_taken__lt=F("task__seats_wanted"),
        status=Status.EXPIRED,
    )


def _lease_again(*, user: User, project: Project, kind: str) -> Assignment | None:
    expire_leases(project=project)
    expired = _leasable_again(user, project, kind).select_for_update(of=("self",)).select_related("user")
    for assignment in expired.order_by("claimed_at"):
        if take_seat(assignment):
            begin_lease(assignment)
            return assignment
    return None


def _take_free_seat(*, user: User, project: Project, kind: str, to: Assignment.Status) -> Assignment | None:
    with connection.cursor() as cursor:
        cursor.execute(TAKE_SEAT, {"project": project.pk, "kind": kind, "user": user.pk})
        row = cursor.fetchone()
    if row is None:
        return None
    task = Task.objects.get(pk=row[0])
    slots = list(task.slots.values_list("slot", flat=True))
    random.shuffle(slots)
    span = RESERVATION if to == Status.RESERVED else LEASE
    assignment = transitions.make_assignment(
        task=task, user=user, status=to, lease_until=Now() + span, display_order=slots
    )
    assignment.refresh_from_db()
    return assignment


def _take_seat_of_expired_lease(*, user: User, project: Project, kind: str) -> Assignment | None:
    if not expire_leases(project=project):
        return None
    return _take_free_seat(user=user, project=project, kind=kind, to=Status.LEASED)


def _take_seat_reserved_for_another(*, user: User, project: Project, kind: str) -> Assignment | None:
    """A reservation is a convenience of whoever has it: nobody goes without work for it."""
    held = (
        Assignment.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(status=Status.RESERVED, task__project=project, task__kind=kind)
        .filter(task__status=Task.Status.OPEN)
        .exclude(task__assignments__user=user)
        .order_by("claimed_at")
        .first()
    )
    if held is None:
        return None
    give_back(held)
    return _take_free_seat(user=user, project=project, kind=kind, to=Status.LEASED)
