"""What can be asked of labeling's rows."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F, Q, Sum

from labeling.composed import Composed, asked
from labeling.eligibility import FITS, WORK, eligibility_of
from labeling.guideline_queries import in_language
from labeling.models import (
    Assignment,
    DailyWork,
    Demonstration,
    GuidelineVersion,
    Project,
    Prompt,
    PromptDraft,
    StageCount,
    Submission,
    Task,
    TaskCompletion,
    User,
    output_letter,
)
from labeling.pauses import site_pause as site_pause  # training asks here

MOST_COUNTED = 1000

# Of each kind: what this person may be given, of which the free and the reserved are counted no further than
# needed, with what they have open; and that alone. A task stands here as a pool of one, for the rule's sake.
_IT_FITS = f"""
    {FITS} AND pool.purpose = ANY(%(purposes)s::varchar[])
    AND COALESCE(pool.task_set_id, 0) = ANY(%(sets)s::bigint[]) AND pool.status = 'open'
"""
_OF_OTHERS = f"""
    pool.project_id = %(project)s AND pool.kind = asked.kind AND {_IT_FITS}
    AND NOT EXISTS (
        SELECT FROM labeling_assignment AS had WHERE had.task_id = pool.id AND had.user_id = %(user)s
    )
"""
WAITING = f"""
    WITH own AS (
        -- What ran out is swept as they ask, and is then as free for them as what was swept before.
        SELECT pool.kind, seat.status = 'leased' AND seat.lease_until > statement_timestamp() AS is_open,
               pool.topics <@ %(topics)s::varchar[] AS is_welcome,
               {_IT_FITS} AND (seat.status <> 'expired' OR pool.seats_taken < pool.seats_wanted) AS fits
        FROM labeling_assignment AS seat JOIN labeling_task AS pool ON pool.id = seat.task_id
        WHERE seat.user_id = %(user)s AND seat.status IN ('reserved', 'leased', 'expired')
          AND pool.project_id = %(project)s
    )
    SELECT asked.kind, free.n + reserved.n + own.held + own.opened, own.opened
    FROM unnest(%(kinds)s::varchar[]) AS asked (kind)
    CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM (
            SELECT FROM labeling_task AS pool
            WHERE {_OF_OTHERS} AND pool.seats_taken < pool.seats_wanted LIMIT %(some)s
        ) AS task
    ) AS free
    CROSS JOIN LATERAL (
        -- Seats that somebody else has only reserved go to whoever asks.
        SELECT count(*) AS n FROM (
            SELECT DISTINCT pool.id
            FROM labeling_assignment AS seat JOIN labeling_task AS pool ON pool.id = seat.task_id
            WHERE seat.status = 'reserved' AND {_OF_OTHERS} AND pool.seats_taken = pool.seats_wanted
            LIMIT %(some)s
        ) AS task
    ) AS reserved
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE is_open AND is_welcome) AS opened,
               count(*) FILTER (WHERE NOT is_open AND fits) AS held
        FROM own WHERE own.kind = asked.kind
    ) AS own
"""  # noqa: S608 -- constants of this module


@dataclass(frozen=True)
class Output:
    """One output as an annotator sees it: its number on the page, never its id."""

    number: int
    text: str
    is_sensitive: bool = False

    @property
    def letter(self) -> str:
        return output_letter(self.number)


@dataclass(frozen=True)
class TaskCounts:
    """How far one kind of task has come in a project."""

    open: int
    complete: int
    submissions: int


_OUTPUTS = Composed(
    lambda: TaskCompletion.objects.filter(task=asked("task")).values_list(
        "slot", "completion__text", "completion__is_sensitive"
    )
)


def outputs_of(assignment: Assignment) -> list[Output]:
    """The outputs of a ranking assignment in the order this person sees them."""
    # A seat that was just taken came with them (free_seats.py), even if there are none.
    slots = getattr(assignment.task, "outputs_read", None)
    if slots is None:
        slots = _OUTPUTS.all(task=assignment.task_id)
    by_slot = {slot: (text, is_sensitive) for slot, text, is_sensitive in slots}
    return [Output(number, *by_slot[slot]) for number, slot in enumerate(assignment.display_order, start=1)]


def newest_submission(assignment: Assignment) -> Submission | None:
    """With its reviews."""
    return assignment.submissions.prefetch_related("reviews").order_by("-revision").first()


def written_before(assignment: Assignment) -> dict[str, Any]:
    """The answer a person submitted last, for a page that is opened again to revise it."""
    demonstration = Demonstration.objects.select_related("completion", "submission").filter(
        submission__assignment=assignment
    )
    newest = demonstration.order_by("-submission__revision").first()
    if newest is None:
        return {}
    return {
        "text": newest.completion.text,
        "comment": newest.submission.comment,
        "pasted_characters": "" if newest.pasted_characters is None else newest.pasted_characters,
        "assistance": newest.assistance,
        "assistance_tool": newest.assistance_tool,
    }


def prompt_draft(user: User, project: Project) -> PromptDraft | None:
    return PromptDraft.objects.filter(user=user, project=project).first()


def guidelines_for(project: Project, language: str) -> GuidelineVersion | None:
    """The newest guidelines in this language (zh-hans: in zh), else in English, else in any."""
    return in_language(project, language).first()


def task_counts(project: Project) -> dict[str, TaskCounts]:
    """Kind of task → counts, out of those that are kept: the same for a million tasks as for ten."""
    collected = Q(purpose=Task.Purpose.COLLECT)
    rows = (
        StageCount.objects.filter(project=project, kind__in=Task.Kind.values)
        .values_list("kind")
        .annotate(
            open=Sum("tasks", filter=collected & Q(status=Task.Status.OPEN), default=0),
            complete=Sum("tasks", filter=collected & Q(status=Task.Status.COMPLETE), default=0),
            submissions=Sum("judgments"),
        )
        .order_by()
    )
    found = {kind: TaskCounts(*counts) for kind, *counts in rows}
    return {kind: found.get(kind, TaskCounts(0, 0, 0)) for kind in Task.Kind.values}


def prompt_count(project: Project) -> int:
    """As it is kept."""
    return int(StageCount.objects.filter(project=project).aggregate(n=Sum("prompts", default=0))["n"])


def tasks_waiting_for(user: User, project: Project, kind: str) -> int:
    """How many tasks of this kind this person could still be given today; not counted beyond MOST_COUNTED."""
    return _waiting(user, project, [kind])[kind]


def all_waiting_for(user: User, project: Project) -> dict[str, int]:
    """Kind of task → how many this person could still be given today, as tasks_waiting_for counts."""
    return _waiting(user, project, Task.Kind.values)


def _waiting(user: User, project: Project, kinds: list[str]) -> dict[str, int]:
    may = eligibility_of(user, project)
    # A million tasks are not counted on each page: one more than MOST_COUNTED says that there are more.
    some = MOST_COUNTED + 1
    of_them = may.parameters() | {"user": user.pk, "project": project.pk, "kinds": kinds, "some": some}
    with connection.cursor() as cursor:
        cursor.execute(WAITING, of_them | {"purposes": list(may.purposes)})
        rows = cursor.fetchall()
    left = may.left_today
    return {kind: min(n, some) if left is None else min(n, some, opened + left) for kind, n, opened in rows}


def submissions_by(user: User, project: Project) -> dict[str, int]:
    """Kind of task → how many this person has submitted, out of the counts that are kept."""
    return submissions_in_each(user, [project])[project.pk]


def submissions_in_each(user: User, projects: Collection[Project]) -> dict[int, dict[str, int]]:
    """Primary key of a project → as submissions_by, in one query for all of them."""
    counts = {project.pk: dict.fromkeys(Task.Kind.values, 0) for project in projects}
    work = DailyWork.objects.filter(user=user, project__in=counts)
    for project, kind, n in work.values_list("project", "kind").annotate(Sum("submissions")).order_by():
        counts[project][kind] = n
    return counts


def open_slates(project: Project) -> Iterator[tuple[list[dict[str, str]], list[str]]]:
    """(conversation, texts by slot) of every ranking task that has a free seat and no known answer."""
    tasks = (
        Task.objects.filter(
            project=project,
            kind=Task.Kind.RANK,
            purpose__in=WORK,
            status=Task.Status.OPEN,
            seats_taken__lt=F("seats_wanted"),
        )
        .select_related("prompt")
        .prefetch_related("slots__completion")
        .order_by("pk")
    )
    for task in tasks.iterator(chunk_size=500):
        yield task.prompt.messages, [slot.completion.text for slot in task.slots.all()]


def prompts_by_public_id(project: Project, public_ids: list[str]) -> dict[str, Prompt]:
    found = Prompt.objects.select_related("project").filter(project=project, public_id__in=public_ids)
    return {str(prompt.public_id): prompt for prompt in found}
