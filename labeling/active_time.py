"""Time at work: counted by the page while it is visible and in use, never more than the lease's own span."""

# What is counted moves the mark forward: however often a page asks, the sum stays within the clock's.
# The same seconds go into the person's quarter of an hour: there, what is never submitted counts as well.
_COUNTED = """
    added AS (
        UPDATE labeling_assignment AS assignment SET {changes}
        FROM (
            SELECT id, since, active_seconds, is_overdue, LEAST(%(seconds)s, GREATEST(0, CEIL(EXTRACT(
                       EPOCH FROM statement_timestamp() - since))))::int AS counted
            FROM (
                SELECT id, active_seconds, COALESCE(active_counted_at, claimed_at) AS since,
                       lease_until <= statement_timestamp() AS is_overdue
                FROM labeling_assignment WHERE id = %(assignment)s {only} FOR UPDATE
            ) AS locked
        ) AS part
        WHERE assignment.id = part.id
        RETURNING assignment.id, part.active_seconds + part.counted AS total, part.counted,
                  part.is_overdue, assignment.user_id, assignment.task_id
    ), dated AS (
        INSERT INTO labeling_worktime AS known (project_id, user_id, begun_at, seconds)
        SELECT task.project_id, added.user_id,
               date_bin('15 minutes', statement_timestamp(), TIMESTAMPTZ 'epoch'), added.counted
        FROM added JOIN labeling_task AS task ON task.id = added.task_id
        WHERE added.counted > 0
        ON CONFLICT (project_id, begun_at, user_id) DO UPDATE SET seconds = known.seconds + EXCLUDED.seconds
    )
"""
_MORE = """
    active_seconds = part.active_seconds + part.counted,
    active_counted_at = part.since + make_interval(secs => part.counted)
"""
_ANEW = "active_seconds = 0, active_counted_at = statement_timestamp()"
# Of an %(assignment)s and %(seconds)s: `added` has its total since the last submission.
COUNTED = _COUNTED.format(changes=_MORE, only="")


def settled(changes: str, only: str) -> str:
    """As COUNTED, and counting begins anew; with further changes of the assignment, where it is so only."""
    return _COUNTED.format(changes=f"{_ANEW}, {changes}", only=only)


def within_a_day(seconds: int) -> int:
    """What a page says, as much of it as is believed."""
    return min(seconds, 86_400)
