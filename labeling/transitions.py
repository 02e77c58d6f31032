"""The only writer of a status in labeling, and of its history."""

from collections.abc import Collection
from typing import Any

from django.db import connection, transaction

from labeling.models import (
    Assignment,
    AssignmentStatusChange,
    Review,
    Submission,
    Task,
    TaskStatusChange,
    Transfer,
    TransferStatusChange,
    User,
)

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
    assignment: Assignment, to: Assignment.Status, *, actor: User | None, **fields: Any
) -> None:
    """Move an assignment whose row the caller has locked, with these fields.

    A move to where it is already leaves no trace but the fields.
    """
    for name, value in fields.items():
        setattr(assignment, name, value)
    if assignment.status != to:
        AssignmentStatusChange.objects.create(
            subject=assignment, from_status=assignment.status, to_status=to, actor=actor
        )
        assignment.status = to
    elif not fields:
        return
    assignment.save(update_fields=["status", "holds_seat", "lease_until", *fields])


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


def make_assignment(*, user: User, **fields: Any) -> Assignment:
    """A person's seat at a task; its history begins with it."""
    assignment = Assignment.objects.create(user=user, **fields)
    AssignmentStatusChange.objects.create(
        subject=assignment, from_status="", to_status=assignment.status, actor=user
    )
    return assignment


def bar(task: Task, user: User, why: Assignment.Status) -> Assignment:
    """A row at a task that is no seat: whoever has it is not handed the task."""
    return make_assignment(task=task, user=user, status=why, holds_seat=False, lease_until=None)


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
    with connection.cursor() as cursor:
        cursor.execute(f"WITH moved AS ({_MOVE_TASKS} {only} RETURNING id) {_KEEP_MOVES}", asked)
        return int(cursor.rowcount)


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
