"""What is asked of the database: judgments that count, and prompts.

Only the newest revision of each assignment counts. Read in batches, so that memory stays constant.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery

from labeling.exports.filters import EVERYTHING, Filters
from labeling.models import (
    Assignment,
    Completion,
    Membership,
    Project,
    Prompt,
    Submission,
    Task,
    TaskCompletion,
    User,
)

BATCH = 200  # of texts that may be long


@contextmanager
def one_state_of_the_database() -> Iterator[None]:
    """A transaction that sees the database as it is at its first query, whatever happens meanwhile.

    Without it a judgment revised between two batches could enter twice.
    """
    with transaction.atomic():
        if not connection.savepoint_ids:  # inside a test's transaction it is too late to choose
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def pseudonym(project: Project, user: User) -> str:
    """A stable name for a person within this project that tells nothing about who they are."""
    digest = hmac.new(bytes(project.pseudonym_key), str(user.public_id).encode(), hashlib.sha256)
    return f"annotator-{digest.hexdigest()[:12]}"


def groups(project: Project) -> Callable[[Submission], str]:
    """Which group of annotators a judgment is by, as the project has it now."""
    members = Membership.objects.filter(project=project, group=Membership.Group.HELD_OUT)
    held_out = set(members.values_list("user_id", flat=True))
    return lambda submission: str(
        Membership.Group.HELD_OUT if submission.assignment.user_id in held_out else Membership.Group.TRAINING
    )


def rankings(
    project: Project, filters: Filters = EVERYTHING, *, prefetch: tuple[str, ...] = ()
) -> Iterator[tuple[Submission, list[Completion]]]:
    """Every judged ranking task, oldest first, with its completions by slot."""
    submissions = _ranked(project, filters).select_related("ranking", "rubric_version")
    for batch in _batches(submissions.prefetch_related(*prefetch)):
        slots = _completions_by_task([submission.assignment.task_id for submission in batch])
        for submission in batch:
            yield submission, slots[submission.assignment.task_id]


def demonstrations(project: Project, filters: Filters = EVERYTHING) -> Iterator[Submission]:
    """Every written demonstration, oldest first."""
    submissions = _newest_submissions(project, Task.Kind.DEMONSTRATE, filters)
    for batch in _batches(submissions.select_related("demonstration__completion")):
        yield from batch


def prompts(project: Project, filters: Filters = EVERYTHING) -> Iterator[Prompt]:
    """Every prompt of the project, in the order they came in."""
    found = _prompts(project, filters).order_by("pk")
    after = 0
    while batch := list(found.filter(pk__gt=after)[:BATCH]):
        yield from batch
        after = batch[-1].pk


def completions(project: Project, filters: Filters = EVERYTHING) -> Iterator[Completion]:
    """Every completion of the project's prompts, in the order they came in."""
    found = _completions(project, filters).select_related("prompt").order_by("pk")
    after = 0
    while batch := list(found.filter(pk__gt=after)[:BATCH]):
        yield from batch
        after = batch[-1].pk


def completion_count(project: Project, filters: Filters = EVERYTHING) -> int:
    return _completions(project, filters).count()


def ranking_count(project: Project, filters: Filters = EVERYTHING) -> int:
    return _ranked(project, filters).count()


def new_ranking_count(project: Project, since: datetime | None) -> int:
    """How many rankings go out now that did not at that moment; None: all that go out.

    One that went out and is revised since is not new. One that was returned and is revised since is.
    """
    if since is None:
        return ranking_count(project)
    went_out = Submission.objects.filter(
        assignment=OuterRef("assignment"), created_at__lt=since, verdict=Submission.Verdict.RANKED
    ).exclude(review_state=Submission.ReviewState.RETURNED)
    return _ranked(project, Filters(since=since)).filter(~Exists(went_out)).count()


def demonstration_count(project: Project, filters: Filters = EVERYTHING) -> int:
    return _newest_submissions(project, Task.Kind.DEMONSTRATE, filters).count()


def prompt_count(project: Project, filters: Filters = EVERYTHING) -> int:
    return _prompts(project, filters).count()


def _prompts(project: Project, filters: Filters) -> QuerySet[Prompt]:
    return filters.on_prompts(Prompt.objects.filter(project=project))


def _completions(project: Project, filters: Filters) -> QuerySet[Completion]:
    return Completion.objects.filter(prompt__in=_prompts(project, filters))


def _ranked(project: Project, filters: Filters) -> QuerySet[Submission]:
    """Without those in which nothing was ranked, because none was usable or the prompt was at fault."""
    newest = _newest_submissions(project, Task.Kind.RANK, filters)
    return newest.filter(verdict=Submission.Verdict.RANKED)


def _newest_submissions(project: Project, kind: str, filters: Filters) -> QuerySet[Submission]:
    """The newest revision of every submitted assignment of this kind of task, oldest first."""
    newest = (
        Submission.objects.filter(assignment=OuterRef("assignment"))
        .order_by("-revision")
        .values("revision")[:1]
    )
    submissions = (
        Submission.objects.filter(
            assignment__task__project=project,
            assignment__task__kind=kind,
            assignment__status=Assignment.Status.SUBMITTED,
        )
        .annotate(newest_revision=Subquery(newest))
        .filter(revision=F("newest_revision"))
        .select_related("assignment__user", "assignment__task__prompt", "guideline_version")
        .order_by("pk")
    )
    return filters.on_submissions(submissions, project)


def _batches(submissions: QuerySet[Submission]) -> Iterator[list[Submission]]:
    after = 0
    while batch := list(submissions.filter(pk__gt=after)[:BATCH]):
        yield batch
        after = batch[-1].pk


def _completions_by_task(task_ids: list[int]) -> dict[int, list[Completion]]:
    completions: dict[int, list[Completion]] = {}
    slots = TaskCompletion.objects.filter(task_id__in=task_ids).select_related("completion")
    for slot in slots.order_by("task_id", "slot"):
        completions.setdefault(slot.task_id, []).append(slot.completion)
    return completions
