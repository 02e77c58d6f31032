"""The only writer of a status in labeling, and of its history."""

import uuid
from collections.abc import Collection
from datetime import timedelta
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction

from labeling.models import (
    Assignment,
    Review,
    Submission,
    Task,
    TaskStatusChange,
    Transfer,
    TransferStatusChange,
    User,
)
from labeling.statements import Statement

_MAKE = Statement("""
    WITH made AS (
        INSERT INTO labeling_assignment (
            public_id, task_id, user_id, status, holds_seat, lease_until, display_order, draft, draft_version
        )
        SELECT %(public_id)s, %(task)s::bigint, %(user)s, %(status)s, %(lease)s::interval IS NOT NULL,
               statement_timestamp() + %(lease)s::interval,
               ARRAY(
                   SELECT slot FROM labeling_taskcompletion
                   WHERE task_id = %(task)s AND %(lease)s::interval IS NOT NULL ORDER BY random()
               ),
               '{}', 0
        RETURNING *
    ), kept AS (
        INSERT INTO labeling_assignmentstatuschange (subject_id, from_status, to_status, actor_id)
        SELECT id, '', status, user_id FROM made
    )
    SELECT id, created_at, holds_seat, lease_until, display_order, claimed_at FROM made
""")
_MADE = ("id", "created_at", "holds_seat", "lease_until", "display_order", "claimed_at")
_MOVE = Statement("""
    WITH moved AS (
        UPDATE labeling_assignment
        SET status = %(to)s, holds_seat = %(holds_seat)s, lease_until = %(lease_until)s,
            draft = CASE WHEN %(ends_draft)s THEN '{}' ELSE draft END,
            draft_version = draft_version + %(ends_draft)s::int
        WHERE id = %(assignment)s
        RETURNING id
    )
    INSERT INTO labeling_assignmentstatuschange (subject_id, from_status, to_status, actor_id)
    SELECT id, %(was)s, %(to)s, %(actor)s FROM moved WHERE %(was)s::varchar <> %(to)s
""")
_MOVE_TASKS = "UPDATE labeling_task SET status = %(to)s WHERE id = ANY(%(tasks)s) AND status = %(was)s"
_THAT_ARE_FULL = """
    AND seats_wanted <= (
        SELECT count(*) FROM labeling_assignment AS seat
        WHERE seat.task_id = labeling_task.id AND seat.status = 'submitted' AND seat.holds_seat
    )
"""
_KEEP_MOVES = """
    INSERT INTO labeling_taskstatuschange (subject_id, from_status, to_status, actor_id)
    SELECT id, %(was)s, %(to)s, %(actor)s FROM moved
"""


def change_assignment(
    assignment: Assignment, to: Assignment.Status, *, actor: User | None, ends_draft: bool = False
) -> None:
    """Move an assignment whose row the caller has locked, with its seat and its lease.

    ends_draft: the draft is empty then; one that is still on its way from the page is older, and refused.
    A move to where it is already leaves no trace but that.
    """
    if assignment.status == to and not ends_draft:
        return
    _MOVE.count(
        assignment=assignment.pk,
        was=assignment.status,
        to=to,
        actor=actor and actor.pk,
        holds_seat=assignment.holds_seat,
        lease_until=assignment.lease_until,
        ends_draft=ends_draft,
    )
    assignment.status = to
    if ends_draft:
        assignment.draft = {}
        assignment.draft_version += 1


def record_transfer(transfer: Transfer, *, actor: User | None) -> None:
    """The history of a transfer begins where it was made."""
    TransferStatusChange.objects.create(
        subject=transfer, from_status="", to_status=transfer.status, actor=actor
    )


@transaction.atomic
def change_transfer(transfer: Transfer, to: Transfer.Status, *, actor: User | None, **fields: Any) -> bool:
    """Move an import or export on, with these fields; False when it is not as the caller saw it."""
    seen = Transfer.objects.filter(pk=transfer.pk, status=transfer.status, attempt=transfer.attempt)
    if not seen.update(status=to, **fields):
        return False
    TransferStatusChange.objects.create(
        subject=transfer, from_status=transfer.status, to_status=to, actor=actor
    )
    transfer.refresh_from_db()
    return True


def make_assignment(
    task: Task, user: User, status: Assignment.Status, *, lease: timedelta | None
) -> Assignment:
    """A person's seat at a task, with an order of its outputs of their own; its history begins with it.

    lease: how long it holds the seat, which the caller has taken; None: it is no seat.
    """
    public_id = uuid.uuid4()
    [row] = _MAKE.rows(task=task.pk, user=user.pk, status=status, lease=lease, public_id=public_id)
    made = Assignment(
        task=task, user=user, public_id=public_id, status=status, **dict(zip(_MADE, row, strict=True))
    )
    made._state.adding, made._state.db = False, DEFAULT_DB_ALIAS
    return made


def bar(task: Task, user: User, why: Assignment.Status) -> Assignment:
    """A row at a task that is no seat: whoever has it is not handed the task."""
    return make_assignment(task, user, why, lease=None)


def change_task(task: Task, to: Task.Status, *, actor: User | None) -> None:
    """Move a task whose row the caller has locked."""
    if task.status == to:
        return
    TaskStatusChange.objects.create(subject=task, from_status=task.status, to_status=to, actor=actor)
    task.status = to
    task.save(update_fields=["status"])


def change_tasks(
    tasks: Collection[int], was: Task.Status, to: Task.Status, *, actor: User | None, only: str = ""
) -> int:
    """Move those of these tasks, locked by the caller, that are as they were; one statement for all.

    Returns how many. only: a further condition, in SQL.
    """
    asked: dict[str, Any] = {"tasks": list(tasks), "was": was, "to": to, "actor": actor and actor.pk}
    return _moving(only).count(**asked)


@cache
def _moving(only: str) -> Statement:
    return Statement(f"WITH moved AS ({_MOVE_TASKS} {only} RETURNING id) {_KEEP_MOVES}")


def complete_full_tasks(tasks: Collection[int], *, actor: User | None) -> int:
    """Close those of these open tasks, locked by the caller, that have as many submissions as they want."""
    return change_tasks(tasks, Task.Status.OPEN, Task.Status.COMPLETE, actor=actor, only=_THAT_ARE_FULL)


def add_review(submission: Submission, verdict: Review.Verdict, *, reviewer: User, note: str) -> Review:
    """Review a submission whose assignment the caller has locked; its reviews are the state's history."""
    accepted = Review.Verdict.ACCEPTED
    former = Review.objects.filter(submission__assignment=submission.assignment_id).first()
    gain = (verdict == accepted) - (former is not None and former.verdict == accepted)
    review = Review.objects.create(
        submission=submission, reviewer=reviewer, verdict=verdict, note=note, gain=gain
    )
    submission.review_state = Submission.ReviewState(verdict)
    submission.save(update_fields=["review_state"])
    return review
