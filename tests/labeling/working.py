"""People at work, for tests of what managers see of it."""

from datetime import UTC, datetime

from labeling import actions
from labeling.models import Assignment, Submission


def rank(user, project, places=(1, 2, 3, 4), *, seconds=60, task=None, on=None):
    """The next ranking task of this person, ranked; places are those of outputs 1…K by slot.

    on: the day on which it was (noon, UTC).
    """
    assignment = actions.claim_task(user=user, project=project, kind="rank")
    assert assignment is not None and (task is None or assignment.task == task)
    by_output = [(number, places[slot - 1]) for number, slot in enumerate(assignment.display_order, 1)]
    _claimed_long_ago(assignment)
    submission = actions.submit_ranking(
        assignment=assignment, places=by_output, idempotency_key="k", active_seconds=seconds
    )
    return _moved(submission, on)


def write(user, project, *, seconds=60, on=None):
    """The next answer of this person, written."""
    assignment = actions.claim_task(user=user, project=project, kind="demonstrate")
    assert assignment is not None
    _claimed_long_ago(assignment)
    submission = actions.submit_demonstration(
        assignment=assignment, text="An answer.", idempotency_key="k", active_seconds=seconds
    )
    return _moved(submission, on)


def _claimed_long_ago(assignment):
    """So that the clock lets any time stand."""
    of_old = {"claimed_at": datetime(2026, 1, 1, tzinfo=UTC), "active_counted_at": None}
    Assignment.objects.filter(pk=assignment.pk).update(**of_old)


def _moved(submission, on):
    if on is not None:
        noon = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
        Submission.objects.filter(pk=submission.pk).update(created_at=noon)
        submission.refresh_from_db()
    return submission
