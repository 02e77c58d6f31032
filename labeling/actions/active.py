"""Time at work: counted by the page while it is visible and in use, never more than the lease's own span."""

from labeling.models import Assignment
from labeling.statements import Statement

# What is counted moves the mark forward: however often a page asks, the sum stays within the clock's.
# The same seconds go into the person's quarter of an hour: there, what is never submitted counts as well.
_ADD = """
    WITH added AS (
        UPDATE labeling_assignment AS assignment SET {changes}
        FROM (
            SELECT id, since, active_seconds, LEAST(%(seconds)s, GREATEST(0, CEIL(EXTRACT(
                       EPOCH FROM statement_timestamp() - since))))::int AS counted
            FROM (
                SELECT id, active_seconds, COALESCE(active_counted_at, claimed_at) AS since
                FROM labeling_assignment WHERE id = %(assignment)s FOR UPDATE
            ) AS locked
        ) AS part
        WHERE assignment.id = part.id
        RETURNING part.active_seconds + part.counted AS total, part.counted,
                  assignment.user_id, assignment.task_id
    ), dated AS (
        INSERT INTO labeling_worktime AS known (project_id, user_id, begun_at, seconds)
        SELECT task.project_id, added.user_id,
               date_bin('15 minutes', statement_timestamp(), TIMESTAMPTZ 'epoch'), added.counted
        FROM added JOIN labeling_task AS task ON task.id = added.task_id
        WHERE added.counted > 0
        ON CONFLICT (project_id, begun_at, user_id) DO UPDATE SET seconds = known.seconds + EXCLUDED.seconds
    )
    SELECT total FROM added
"""
COUNT = Statement(
    _ADD.format(
        changes="""
        active_seconds = part.active_seconds + part.counted,
        active_counted_at = part.since + make_interval(secs => part.counted)
    """
    )
)
SETTLE = Statement(_ADD.format(changes="active_seconds = 0, active_counted_at = statement_timestamp()"))


def count_active(*, assignment: Assignment, seconds: int) -> int:
    """Add seconds of work since the last call; returns the sum since the last submission."""
    return _count(COUNT, assignment, seconds)


def settle_active(assignment: Assignment, seconds: int | None) -> int | None:
    """What goes with a submission; counting begins anew. None when nobody has measured."""
    total = _count(SETTLE, assignment, seconds or 0)
    return None if seconds is None and not total else total


def _count(statement: Statement, assignment: Assignment, seconds: int) -> int:
    [(total,)] = statement.rows(assignment=assignment.pk, seconds=min(seconds, 86_400))
    return int(total)
