"""The one statement that hands out free seats, quick however many tasks there are that fit somebody else.

The free tasks of one purpose, in one set, of one language and with the same topics are a pool; those of one
priority in it are a shelf, in the order of their ids. The statement begins in the sets that are for this
person and jumps from pool to pool and from shelf to shelf through the index task_to_hand_out, so that it
never walks past what does not fit them. Each pool that fits gives its first task; the best of these alone
is locked, or, when somebody is faster, what follows it. Which language comes first is added here, as the
project has it now: no task is written when that changes.

On a shelf it goes on from where the person was last (QueuePlace), so that it does not walk past thousands of
tasks that they had and that still want others. New tasks have higher ids, or are on a higher shelf: they are
found in their order. A seat that comes back behind the place is found after REMEMBERED, when the shelf is
looked through from its beginning again, and at once when there is nothing else.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import OperationalError, connection, transaction

from labeling import transitions
from labeling.composed import columns
from labeling.composed import row as read_row
from labeling.eligibility import FITS, Eligibility
from labeling.models import Assignment, Project, Prompt, QueuePlace, Task, User
from labeling.statements import Statement

Row = tuple[Any, ...]

REMEMBERED = "10 minutes"
# A place is written again when the walk has gone so much further: not at each claim.
STRIDE = 32
LONGEST_WAIT = "500ms"

_FREE = """
    task.project_id = %(project)s AND task.kind = %(kind)s
    AND task.status = 'open' AND task.seats_taken < task.seats_wanted
"""
_FREE_IN_POOL = f"""{_FREE}
    AND task.purpose = pool.purpose AND COALESCE(task.task_set_id, 0) = pool.task_set
    AND task.language = pool.language AND task.topics = pool.topics
"""
# Of each task that is walked past: whether this person may still be given it.
_NOT_HAD = """
    NOT EXISTS (
        SELECT 1 FROM labeling_assignment AS seat
        WHERE seat.task_id = task.id AND seat.user_id = %(user)s
    )
"""
# Not "=": then the order of the ids alone would be asked for, and the primary key has that too, full tasks
# and all.
_ON_SHELF = "task.priority <= shelf.priority AND task.priority >= shelf.priority"
_IS_REMEMBERED = f"place.looked_at > statement_timestamp() - interval '{REMEMBERED}'"
_REACHED = f"""
    COALESCE((
        SELECT place.reached FROM labeling_queueplace AS place
        WHERE place.user_id = %(user)s AND place.project_id = %(project)s AND place.kind = %(kind)s
          AND place.purpose = pool.purpose AND place.task_set = pool.task_set
          AND place.language = pool.language AND place.topics = pool.topics
          AND place.priority = shelf.priority AND {_IS_REMEMBERED}
    ), 0)
"""  # noqa: S608 -- constants of this module
_POOLS = f"""
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
"""  # noqa: S608 -- constants of this module
_SHELVES_OF_POOL = f"""
    (
        SELECT task.priority FROM labeling_task AS task
        WHERE {_FREE_IN_POOL} ORDER BY task.priority DESC LIMIT 1
    )
    UNION ALL
    SELECT lower.priority FROM shelf CROSS JOIN LATERAL (
        SELECT task.priority FROM labeling_task AS task
        WHERE {_FREE_IN_POOL} AND task.priority < shelf.priority ORDER BY task.priority DESC LIMIT 1
    ) AS lower
"""  # noqa: S608 -- constants of this module
_FIRST_OF_POOL = f"""
    WITH RECURSIVE shelf AS ({_SHELVES_OF_POOL})
    SELECT shelf.priority, task.id FROM shelf CROSS JOIN LATERAL (
        SELECT task.id FROM labeling_task AS task
        WHERE {_FREE_IN_POOL} AND {_ON_SHELF} AND task.id >= {_REACHED} AND {_NOT_HAD}
        ORDER BY task.priority DESC, task.id LIMIT 1
    ) AS task
    LIMIT 1
"""  # noqa: S608 -- constants of this module

_OUTPUTS = """
    COALESCE((
        SELECT json_agg(json_build_array(shown.slot, output.text, output.is_sensitive))
        FROM labeling_taskcompletion AS shown JOIN labeling_completion AS output
          ON output.id = shown.completion_id
        WHERE shown.task_id = taken.id
    ), '[]')
"""


def _taking(lock: str) -> str:
    """The statement; lock says what becomes of a task that somebody else has locked."""
    same_shelf = f"{_ON_SHELF.replace('shelf.', 'pool.')} AND task.id >= pool.first"
    following = [
        f"""
        SELECT * FROM (
            SELECT task.id FROM labeling_task AS task
            WHERE {_FREE_IN_POOL} AND {where} AND {_NOT_HAD}
            ORDER BY task.priority DESC, task.id LIMIT 1 {lock}
        ) AS task
        """  # noqa: S608 -- constants of this module
        for where in (same_shelf, "task.priority < pool.priority")
    ]
    return f"""
    WITH RECURSIVE pool AS ({_POOLS}), best AS MATERIALIZED (
        SELECT pool.*, task.priority, task.id AS first
        FROM pool CROSS JOIN LATERAL ({_FIRST_OF_POOL}) AS task
        WHERE {FITS}
        ORDER BY
            task.priority + COALESCE((%(language_priorities)s::jsonb ->> pool.language)::integer, 0) DESC,
            task.id
    ), walked AS (
        INSERT INTO labeling_queueplace AS place
            (user_id, project_id, kind, purpose, task_set, language, topics, priority, reached, looked_at)
        SELECT %(user)s, %(project)s, %(kind)s, purpose, task_set, language, topics, priority, first,
               statement_timestamp()
        FROM best
        ON CONFLICT (user_id, project_id, kind, purpose, task_set, language, topics, priority) DO UPDATE
        SET reached = EXCLUDED.reached,
            looked_at = CASE WHEN {_IS_REMEMBERED} THEN place.looked_at ELSE EXCLUDED.looked_at END
        WHERE NOT ({_IS_REMEMBERED}) OR EXCLUDED.reached >= place.reached + {STRIDE}
    ), taken AS (
        UPDATE labeling_task SET seats_taken = seats_taken + 1
        WHERE id = (
            SELECT task.id FROM best AS pool CROSS JOIN LATERAL ({" UNION ALL ".join(following)}) AS task
            LIMIT 1
        )
        RETURNING *
    ), {transitions.making("taken")}
    SELECT {", ".join(f"made.{column}" for column in transitions.MADE)},
           {columns(Task, "taken")}, {columns(Prompt, "prompt")}, {_OUTPUTS}
    FROM made CROSS JOIN taken JOIN labeling_prompt AS prompt ON prompt.id = taken.prompt_id
    """  # noqa: S608 -- constants of this module


TAKE_SEAT = Statement(_taking("FOR NO KEY UPDATE SKIP LOCKED"))
_WAIT_FOR_SEAT = Statement(_taking("FOR NO KEY UPDATE"))


def take_first_free_seat(
    *,
    user: User,
    project: Project,
    kind: str,
    may: Eligibility,
    turns: Sequence[Sequence[str]],
    to: Assignment.Status,
    lease: timedelta,
) -> Assignment | None:
    """Take a seat at the task of this kind that comes first for this person; None when there is none.

    turns: the purposes that are looked for, one group after the other. to, lease: what the assignment is
    then, and how long it holds the seat. It comes with its task, and that with prompt, project and outputs.

    The person is locked. Before it says that there is none, it looks at everything from the beginning, and
    waits for those who are just taking or leaving the last seats.
    """
    asked = [asked_of(user, project, kind, may, purposes, to, lease) for purposes in turns]
    for each in asked:
        if row := _first(TAKE_SEAT.rows(**each)):
            return _assignment(user, project, row)
    QueuePlace.objects.filter(user=user, project=project, kind=kind).delete()
    for each in asked:
        if row := _wait_for_seat(each):
            return _assignment(user, project, row)
    return None


def asked_of(
    user: User,
    project: Project,
    kind: str,
    may: Eligibility,
    purposes: Sequence[str],
    to: Assignment.Status,
    lease: timedelta,
) -> dict[str, Any]:
    """The parameters of TAKE_SEAT."""
    return may.parameters() | {
        "project": project.pk,
        "kind": kind,
        "user": user.pk,
        "purposes": list(purposes),
        "language_priorities": json.dumps(project.language_priorities),
        "public_id": uuid.uuid4(),
        "status": to,
        "lease": lease,
    }


def _assignment(user: User, project: Project, row: Row) -> Assignment:
    made = len(transitions.MADE)
    of_task = made + len(Task._meta.concrete_fields)
    task = read_row(Task, row[made:of_task])
    task.project, task.prompt = project, read_row(Prompt, row[of_task:-1])
    task.outputs_read = row[-1]  # type: ignore[attr-defined] # for queries.outputs_of
    return transitions.made_assignment(task, user, row[:made])


def _first(rows: Sequence[Row]) -> Row | None:
    return rows[0] if rows else None


def _wait_for_seat(asked: dict[str, Any]) -> Row | None:
    """Who takes a seat is done with it in milliseconds; one who takes longer may be waiting for us."""
    try:
        with transaction.atomic():
            _set_lock_timeout(LONGEST_WAIT)
            found = _first(_WAIT_FOR_SEAT.rows(**asked))
            _set_lock_timeout("0")
    except OperationalError:
        return None
    return found


def _set_lock_timeout(span: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [span])
