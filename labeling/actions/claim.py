"""Handing out seats: the next task, now or reserved for the moment after this one."""

import random
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling.actions.bounds import check_room_for_one_more, has_room_for_one_more
from labeling.actions.free_seats import take_first_free_seat
from labeling.actions.leases import LEASE, RESERVATION, begin_lease, expire_leases, give_back, take_seat
from labeling.eligibility import WORK, Eligibility, eligibility_of
from labeling.errors import Conflict, DomainError
from labeling.models import Assignment, Project, Task, User
from labeling.pauses import is_paused, why_paused
from labeling.statements import Statement

Status = Assignment.Status

_LOCK_PERSON = Statement("SELECT FROM labeling_user WHERE id = %(user)s FOR NO KEY UPDATE")


@transaction.atomic
def claim_task(*, user: User, project: Project, kind: str) -> Assignment | None:
    """The next task of this kind for this person, leased to them; None when there is none.

    What they have open comes first, then what is reserved for them, what they let expire, the next free
    seat, and at last a seat that is only reserved for somebody else; only what fits them (eligibility), and
    nothing but what is open once the day's cap is reached; nothing for whoever was suspended after access let
    them in. Refuses while the project or the site is paused, and one task more than a person may have open; a
    reservation makes room.
    """
    if kind not in Task.Kind.values:
        raise DomainError("unknown_kind", _("There are no tasks of the kind %s.") % kind)
    if reason := why_paused(project):
        raise Conflict("paused", reason)
    seeker = _seeker(user, project, kind)
    if seeker.may.is_suspended:
        return None
    # Who has submitted everything, which is usual, is not asked further what there is of theirs.
    has_begun = seeker.may.has_begun
    if has_begun and (opened := _open_assignment(seeker)):
        return opened
    if seeker.may.is_day_full:
        return None
    if has_begun:
        if held := _take_up_reservation(seeker):
            return held
        _make_room(seeker)
        if again := _lease_again(seeker):
            return again
    return (
        _take_free_seat(seeker, to=Status.LEASED)
        or _take_seat_of_expired_lease(seeker)
        or _take_seat_reserved_for_another(seeker)
    )


@transaction.atomic
def reserve_task(*, user: User, project: Project, kind: str) -> Assignment | None:
    """Hold the next task for somebody who is at work on one of this kind; None when there is nothing to hold.

    Asked again, the reservation lasts longer. A person has one at a time: that of another kind goes back.
    """
    if kind not in Task.Kind.values or is_paused(project):
        return None
    seeker = _seeker(user, project, kind)
    if seeker.may.is_suspended or seeker.may.is_day_full:
        return None
    if not _own(seeker).filter(status=Status.LEASED).exists():
        return None
    if _leasable_again(seeker).exists():
        return None
    held = _reservation(seeker)
    if held is not None:
        if _is_for(held, seeker):
            Assignment.objects.filter(pk=held.pk).update(lease_until=Now() + RESERVATION)
            return held
        give_back(held)
    if not has_room_for_one_more(seeker.user, project):
        return None
    return _take_free_seat(seeker, to=Status.RESERVED)


@dataclass(frozen=True)
class _Seeker:
    """Who asks for what, and what they may be given."""

    user: User
    project: Project
    kind: str
    may: Eligibility


def _seeker(user: User, project: Project, kind: str) -> _Seeker:
    """Locked, so that a double click opens one task and not two; with the topics they say yes to now."""
    return _Seeker(user, project, kind, eligibility_of(user, project, _LOCK_PERSON.asking(user=user.pk)))


def _own(seeker: _Seeker) -> QuerySet[Assignment]:
    return Assignment.objects.filter(user=seeker.user, task__project=seeker.project, task__kind=seeker.kind)


def _is_for(held: Assignment, seeker: _Seeker) -> bool:
    task = held.task
    asked = (seeker.project.pk, seeker.kind, Task.Status.OPEN)
    return (task.project_id, task.kind, task.status) == asked and seeker.may.allows(task)


def _open_assignment(seeker: _Seeker) -> Assignment | None:
    """What was begun is not lost when its language is another's now; a topic is care, and counts always."""
    own = _own(seeker).filter(seeker.may.welcome("task__"), status=Status.LEASED, lease_until__gt=Now())
    assignment = own.order_by("claimed_at").first()
    if assignment is None:
        return None
    # Somebody's sweep may be faster.
    kept = Assignment.objects.filter(pk=assignment.pk, status=Status.LEASED).update(lease_until=Now() + LEASE)
    return assignment if kept else None


def _take_up_reservation(seeker: _Seeker) -> Assignment | None:
    held = _reservation(seeker)
    if held is None or not _is_for(held, seeker):
        return None
    begin_lease(held)
    return held


def _reservation(seeker: _Seeker) -> Assignment | None:
    return (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("task", "user")
        .filter(user=seeker.user, status=Status.RESERVED)
        .first()
    )


def _make_room(seeker: _Seeker) -> None:
    if has_room_for_one_more(seeker.user, seeker.project):
        return
    if reserved := _reservation(seeker):
        give_back(reserved)
    check_room_for_one_more(seeker.user, seeker.project)


def _leasable_again(seeker: _Seeker) -> QuerySet[Assignment]:
    return _own(seeker).filter(
        seeker.may.fits("task__"),
        task__status=Task.Status.OPEN,
        task__seats_taken__lt=F("task__seats_wanted"),
        status=Status.EXPIRED,
    )


def _lease_again(seeker: _Seeker) -> Assignment | None:
    expire_leases(project=seeker.project)
    # What somebody is just at is passed over: the claim may hold seats that it gave back, and must not wait.
    free = _leasable_again(seeker).select_for_update(of=("self", "task"), no_key=True, skip_locked=True)
    assignment = free.select_related("user", "task").order_by("claimed_at").first()
    if assignment is None or not take_seat(assignment):
        return None
    begin_lease(assignment)
    return assignment


def _take_free_seat(seeker: _Seeker, *, to: Assignment.Status) -> Assignment | None:
    return take_first_free_seat(
        user=seeker.user,
        project=seeker.project,
        kind=seeker.kind,
        may=seeker.may,
        turns=_looked_for(seeker),
        to=to,
        lease=RESERVATION if to == Status.RESERVED else LEASE,
    )


def _looked_for(seeker: _Seeker) -> list[tuple[Task.Purpose, ...]]:
    """Which purposes, in turn. Gold comes by lot, so that neither its turn nor its place tells what it is."""
    if seeker.may.must_qualify:
        return [(Task.Purpose.QUALIFY,)]
    if seeker.kind != Task.Kind.RANK or not seeker.may.is_measured:
        return [WORK]
    is_drawn = random.random() < seeker.project.gold_share
    return [(Task.Purpose.GOLD,), WORK] if is_drawn else [WORK, (Task.Purpose.GOLD,)]


def _take_seat_of_expired_lease(seeker: _Seeker) -> Assignment | None:
    if not expire_leases(project=seeker.project):
        return None
    return _take_free_seat(seeker, to=Status.LEASED)


def _take_seat_reserved_for_another(seeker: _Seeker) -> Assignment | None:
    """A reservation is a convenience of whoever has it: nobody goes without work for it."""
    held = (
        Assignment.objects.select_for_update(of=("self", "task"), no_key=True, skip_locked=True)
        .select_related("task")
        .filter(status=Status.RESERVED, task__project=seeker.project, task__kind=seeker.kind)
        .filter(seeker.may.fits("task__"), task__status=Task.Status.OPEN)
        .exclude(task__assignments__user=seeker.user)
        .order_by("claimed_at")
        .first()
    )
    if held is None:
        return None
    give_back(held)
    return _take_free_seat(seeker, to=Status.LEASED)
