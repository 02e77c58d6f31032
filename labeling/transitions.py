"""The only writer of a status in labeling, and of its history."""

from typing import Any

from django.db import transaction

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


def change_assignment(assignment: Assignment, to: Assignment.Status, *, actor: User | None) -> None:
    """Move an assignment whose row the caller has locked; a move to where it is already leaves no trace."""
    if assignment.status == to:
        return
    AssignmentStatusChange.objects.create(
        subject=assignment, from_status=assignment.status, to_status=to, actor=actor
    )
    assignment.status = to
    assignment.save(update_fields=["status", "holds_seat", "lease_until"])


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


def change_task(task: Task, to: Task.Status, *, actor: User | None) -> None:
    """Move a task whose row the caller has locked."""
    if task.status == to:
        return
    TaskStatusChange.objects.create(subject=task, from_status=task.status, to_status=to, actor=actor)
    task.status = to
    task.save(update_fields=["status"])


def add_review(submission: Submission, verdict: Review.Verdict, *, reviewer: User, note: str) -> Review:
    """Review a submission whose assignment the caller has locked; its reviews are the state's history."""
    review = Review.objects.create(submission=submission, reviewer=reviewer, verdict=verdict, note=note)
    submission.review_state = Submission.ReviewState(verdict)
    submission.save(update_fields=["review_state"])
    return review
