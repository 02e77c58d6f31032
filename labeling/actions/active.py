"""Time at work while a task is open. What goes with a submission is settled with it (transitions.hand_in)."""

from labeling.active_time import COUNTED, within_a_day
from labeling.models import Assignment
from labeling.statements import Statement

_COUNT = Statement(f"WITH {COUNTED} SELECT total FROM added")  # noqa: S608 -- constants of this program


def count_active(*, assignment: Assignment, seconds: int) -> int:
    """Add seconds of work since the last call; returns the sum since the last submission."""
    [(total,)] = _COUNT.rows(assignment=assignment.pk, seconds=within_a_day(seconds))
    return int(total)
