"""The only writer of a status in labeling, and of its history."""

from labeling.models import Assignment, AssignmentStatusChange, Task, TaskStatusChange, User


def change_assignment(assignment: Assignment, to: Assignment.Status, *, actor: User | None) -> None:
    """Move an assignment whose row the caller has locked; a move to where it is already leaves no trace."""
    if assignment.status == to:
        return
    AssignmentStatusChange.objects.create(
        subject=assignment, from_status=assignment.status, to_status=to, actor=actor
    )
    assignment.status = to
    assignment.save(update_fields=["status", "holds_seat", "lease_until"])


def record_claim(assignment: Assignment, *, actor: User) -> None:
    """The history of an assignment begins with its claim."""
    AssignmentStatusChange.objects.create(
        subject=assignment, from_status="", to_status=Assignment.Status.LEASED, actor=actor
    )


def change_task(task: Task, to: Task.Status, *, actor: User | None) -> None:
    """Move a task whose row the caller has locked."""
    if task.status == to:
        return
    TaskStatusChange.objects.create(subject=task, from_status=task.status, to_status=to, actor=actor)
    task.status = to
    task.save(update_fields=["status"])
