"""The one statement that hands out free seats, quick however many tasks there are that fit somebody else.

The free tasks of one purpose, in one set, of one language and with the same topics are a pool. The statement
begins in the sets that are for this person and jumps from pool to pool through the index task_to_hand_out, so
that it never walks past what does not fit them. Each pool that fits gives its first task; the best of these
alone is locked, or, when somebody is faster, what follows it. Which language comes first is added here, as
the project has it now: no task is written when that changes.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection

from labeling.eligibility import FITS, Eligibility
from labeling.models import Project, Task, User

_FREE = """
    task.project_id = %(project)s AND task.kind = %(kind)s
    AND task.status = 'open' AND task.seats_taken < task.seats_wanted
"""
_FIRST_OF_POOL = f"""
    SELECT task.id, task.priority FROM labeling_task AS task
    WHERE {_FREE} AND task.purpose = pool.purpose AND COALESCE(task.task_set_id, 0) = pool.task_set
      AND task.language = pool.language AND task.topics = pool.topics
      AND NOT EXISTS (
          SELECT 1 FROM labeling_assignment AS seat
          WHERE seat.task_id = task.id AND seat.user_id = %(user)s
      )
    ORDER BY task.priority DESC, task.id
    LIMIT 1
"""  # noqa: S608 -- constants of this module
TAKE_SEAT = f"""
    WITH RECURSIVE pool AS (
        SELECT looked.purpose, looked.task_set, first.language, first.topics
        FROM (
            SELECT purpose, task_set
            FROM unnest(%(purposes)s::varchar[]) AS purpose, unnest(%(sets)s::bigint[]) AS task_set
        ) AS looked CROSS JOIN LATERAL (
            SELECT task.language, task.topics FROM labeling_task AS task
            WHERE {_FREE} AND task.purpose = looked.purpose
              AND COALESCE(task.task_set_id, 0) = looked.task_set
            ORDER BY task.language, task.topics LIMIT 1
        ) AS first
        UNION ALL
        SELECT pool.purpose, pool.task_set, other.language, other.topics
        FROM pool CROSS JOIN LATERAL (
            SELECT task.language, task.topics FROM labeling_task AS task
            WHERE {_FREE} AND task.purpose = pool.purpose AND COALESCE(task.task_set_id, 0) = pool.task_set
              AND (task.language, task.topics) > (pool.language, pool.topics)
            ORDER BY task.language, task.topics LIMIT 1
        ) AS other
    ), best AS MATERIALIZED (
        SELECT pool.* FROM pool CROSS JOIN LATERAL ({_FIRST_OF_POOL}) AS task
        WHERE {FITS}
        ORDER BY
            task.priority + COALESCE((%(language_priorities)s::jsonb ->> pool.language)::integer, 0) DESC,
            task.id
    )
    UPDATE labeling_task SET seats_taken = seats_taken + 1
    WHERE id = (
        SELECT task.id FROM best AS pool CROSS JOIN LATERAL ({_FIRST_OF_POOL} FOR UPDATE SKIP LOCKED) AS task
        LIMIT 1
    )
    RETURNING id
"""  # noqa: S608 -- constants of this module


def take_first_free_seat(
    *, user: User, project: Project, kind: str, may: Eligibility, purposes: Sequence[str]
) -> Task | None:
    """Take a seat at the task of this kind that comes first for this person; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE_SEAT, asked_of(user, project, kind, may, purposes))
        row = cursor.fetchone()
    return None if row is None else Task.objects.get(pk=row[0])


def asked_of(
    user: User, project: Project, kind: str, may: Eligibility, purposes: Sequence[str]
) -> dict[str, Any]:
    """The parameters of TAKE_SEAT."""
    return may.parameters() | {
        "project": project.pk,
        "kind": kind,
        "user": user.pk,
        "purposes": list(purposes),
        "language_priorities": json.dumps(project.language_priorities),
    }
