"""Time at work: counted by the page while it is visible and in use, never more than the lease's own span."""

from django.db import connection
from django.db.models.functions import Now

from labeling.models import Assignment

# What is counted moves the mark forward: however often a page asks, the sum stays within the clock's.
COUNT = """
    UPDATE labeling_assignment AS assignment
    SET active_seconds = assignment.active_seconds + part.counted,
        active_counted_at = part.since + make_interval(secs => part.counted)
    FROM (
        SELECT id, since, LEAST(%(seconds)s, GREATEST(0, CEIL(EXTRACT(
                   EPOCH FROM statement_timestamp() - since))))::int AS counted
        FROM (
            SELECT id, COALESCE(active_counted_at, claimed_at) AS since
            FROM labeling_assignment WHERE id = %(assignment)s FOR UPDATE
        ) AS locked
    ) AS part
    WHERE assignment.id = part.id
    RETURNING assignment.active_seconds
"""


def count_active(*, assignment: Assignment, seconds: int) -> int:
    """Add seconds of work since the last call; returns the sum since the last submission."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"assignment": assignment.pk, "seconds": min(seconds, 86_400)})
        return int(cursor.fetchone()[0])


def settle_active(assignment: Assignment, seconds: int | None) -> int | None:
    """What goes with a submission; counting begins anew. None when nobody has measured."""
    total = count_active(assignment=assignment, seconds=seconds or 0)
    Assignment.objects.filter(pk=assignment.pk).update(active_seconds=0, active_counted_at=Now())
    return None if seconds is None and not total else total
