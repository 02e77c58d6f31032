"""The only writer of a status in labeling, and of its history."""

import uuid
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction

from labeling.active_time import settled, within_a_day
from labeling.models import (
    Assignment,
    Ranking,
    Review,
    Submission,
    Task,
    TaskStatusChange,
    Transfer,
    TransferStatusChange,
    User,
)
from labeling.statements import Statement

MADE = (
    "id",
    "public_id",
    "created_at",
    "status",
    "holds_seat",
    "lease_until",
    "display_order",
    "claimed_at",
)


def making(task: str) -> str:
    """WITH queries that make a person's assignment at the task that this is, in SQL; `made` has its MADE.

    Asked with public_id, user, status and lease: how long it holds the seat, NULL: it is no seat.
    """
    return f"""
        made AS (
            INSERT INTO labeling_assignment (
                public_id, task_id, user_id, status, holds_seat, lease_until, display_order, draft,
                draft_version
            )
            SELECT %(public_id)s, task.id, %(user)s, %(status)s, %(lease)s::interval IS NOT NULL,
                   statement_timestamp() + %(lease)s::interval,
                   ARRAY(
                       SELECT slot FROM labeling_taskcompletion
                       WHERE task_id = task.id AND %(lease)s::interval IS NOT NULL ORDER BY random()
                   ),
                   '{{}}', 0
            FROM {task} AS task
            RETURNING *
        ), kept AS (
            INSERT INTO labeling_assignmentstatuschange (subject_id, from_status, to_status, actor_id)
            SELECT id, '', status, user_id FROM made
        )
    """  # noqa: S608 -- constants of this program


_MAKE = Statement(
    f"WITH {making('(SELECT %(task)s::bigint AS id)')} SELECT {', '.join(MADE)} FROM made"  # noqa: S608 -- as above
)
_MOVE = Statement("""
    WITH moved AS (
        UPDATE labeling_assignment
        SET status = %(to)s, holds_seat = %(holds_seat)s, lease_until = %(lease_until)s
        WHERE id = %(assignment)s
        RETURNING id
    )
    INSERT INTO labeling_assignmentstatuschange (subject_id, from_status, to_status, actor_id)
    SELECT id, %(was)s, %(to)s, %(actor)s FROM moved
""")
_HAND_IN = Statement(f"""
    WITH {
    settled(
        changes='''
        status = 'submitted', holds_seat = %(holds_seat)s, lease_until = NULL,
        draft = '{}', draft_version = draft_version + 1
    ''',
        only="AND status = %(was)s",
    )
}, kept AS (
        INSERT INTO labeling_assignmentstatuschange (subject_id, from_status, to_status, actor_id)
        SELECT id, %(was)s, 'submitted', user_id FROM added WHERE %(was)s::varchar <> 'submitted'
    ), made AS (
        INSERT INTO labeling_submission (
            public_id, assignment_id, project_id, revision, idempotency_key, origin,
            guideline_version_id, rubric_version_id, verdict, is_late, comment, active_seconds
        )
        SELECT %(public_id)s, id, %(project)s, %(revision)s, %(idempotency_key)s, %(origin)s,
               (
                   SELECT id FROM labeling_guidelineversion
                   WHERE project_id = %(project)s AND language = %(language)s ORDER BY number DESC LIMIT 1
               ),
               %(rubric_version)s, %(verdict)s, COALESCE(%(is_late)s, is_overdue), %(comment)s,
               CASE WHEN %(is_timed)s OR total > 0 THEN total END
        FROM added
        RETURNING id
    )
    INSERT INTO labeling_ranking (submission_id, places, strength)
    SELECT id, %(places)s, %(strength)s FROM made WHERE %(places)s::smallint[] IS NOT NULL
""")  # noqa: S608 -- constants of this program
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
# In the transaction of `_HAND_IN`, and of nothing that it has not written.
_HANDED_IN = Statement(f"""
    WITH made AS (
        SELECT id, created_at, active_seconds, is_late, guideline_version_id
        FROM labeling_submission WHERE public_id = %(public_id)s
    ), moved AS (
        {_MOVE_TASKS} {_THAT_ARE_FULL} AND %(may_fill)s AND EXISTS (SELECT FROM made) RETURNING id
    ), kept AS ({_KEEP_MOVES})
    SELECT * FROM made
""")  # noqa: S608 -- constants of this program


def change_assignment(assignment: Assignment, to: Assignment.Status, *, actor: User | None) -> None:
    """Move an assignment whose row the caller has locked, with its seat and its lease."""
    if assignment.status == to:
        return
    _MOVE.count(
        assignment=assignment.pk,
        was=assignment.status,
        to=to,
        actor=actor and actor.pk,
        holds_seat=assignment.holds_seat,
        lease_until=assignment.lease_until,
    )
    assignment.status = to


class Overtaken(Exception):
    """The row is not as it was read: somebody was faster."""


def hand_in(
    submission: Submission,
    *,
    active_seconds: int | None,
    ranking: Ranking | None,
    is_late: bool | None,
    may_fill: bool,
) -> None:
    """Write a new submission, with its ranking if it is one, under the guidelines that are the newest.

    The assignment is submitted by that, its lease over and its draft empty: one that is still on its way from
    the page is older, and refused. Overtaken, and nothing is written, when its status is not what the caller
    knows; a lease needs no lock for that reason. active_seconds: at work since the page last said so, None
    when nobody has measured; what goes with the submission is the sum, and counting begins anew. is_late:
    None where the lease decides. may_fill: with this the task may have all it wants, and is complete then;
    its row is locked by the seat that the caller took, or by the trigger that counts first revisions.
    """
    assignment = submission.assignment
    handing_in = _HAND_IN.asking(
        assignment=assignment.pk,
        was=assignment.status,
        holds_seat=assignment.holds_seat,
        seconds=within_a_day(active_seconds or 0),
        is_timed=active_seconds is not None,
        public_id=submission.public_id,
        project=submission.project_id,
        revision=submission.revision,
        idempotency_key=submission.idempotency_key,
        origin=submission.origin,
        language=assignment.task.prompt.language,
        rubric_version=submission.rubric_version_id,
        verdict=submission.verdict,
        is_late=is_late,
        comment=submission.comment,
        places=ranking and ranking.places,
        strength=ranking and ranking.strength,
    )
    rows = _HANDED_IN.rows(
        handing_in,
        public_id=submission.public_id,
        may_fill=may_fill,
        **_move([assignment.task_id], Task.Status.OPEN, Task.Status.COMPLETE, assignment.user),
    )
    if not rows:
        raise Overtaken
    submission.pk, submission.created_at, submission.active_seconds, submission.is_late, guidelines = rows[0]
    submission.guideline_version_id = guidelines
    submission._state.adding, submission._state.db = False, DEFAULT_DB_ALIAS
    assignment.status, assignment.lease_until = Assignment.Status.SUBMITTED, None
    assignment.draft, assignment.draft_version = {}, assignment.draft_version + 1


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


def made_assignment(task: Task, user: User, row: Sequence[Any]) -> Assignment:
    """What `making` made, of its MADE."""
    made = Assignment(task=task, user=user, **dict(zip(MADE, row, strict=True)))
    made._state.adding, made._state.db = False, DEFAULT_DB_ALIAS
    return made


def bar(task: Task, user: User, why: Assignment.Status) -> Assignment:
    """A row at a task that is no seat: whoever has it is not handed the task."""
    [row] = _MAKE.rows(task=task.pk, user=user.pk, status=why, lease=None, public_id=uuid.uuid4())
    return made_assignment(task, user, row)


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
    return _moving(only).count(**_move(tasks, was, to, actor))


def complete_full_tasks(tasks: Collection[int], *, actor: User | None) -> int:
    """Close those of these open tasks, locked by the caller, that have as many submissions as they want."""
    return change_tasks(tasks, Task.Status.OPEN, Task.Status.COMPLETE, actor=actor, only=_THAT_ARE_FULL)


def _move(tasks: Collection[int], was: Task.Status, to: Task.Status, actor: User | None) -> dict[str, Any]:
    return {"tasks": list(tasks), "was": was, "to": to, "actor": actor and actor.pk}


@cache
def _moving(only: str) -> Statement:
    return Statement(f"WITH moved AS ({_MOVE_TASKS} {only} RETURNING id) {_KEEP_MOVES}")


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
