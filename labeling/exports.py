"""Judgments and prompts as the records that snapshots are made of.

Only the newest revision of each assignment counts. Read in batches, so that memory stays constant.
"""

import hashlib
import hmac
from collections.abc import Iterator
from typing import cast

from django.db.models import F, OuterRef, QuerySet, Subquery

from labeling.models import Assignment, Project, Prompt, Submission, Task, TaskCompletion, User
from training.engine import records

BATCH = 500


def pseudonym(project: Project, user: User) -> str:
    """A stable name for a person within this project that tells nothing about who they are."""
    digest = hmac.new(bytes(project.pseudonym_key), str(user.public_id).encode(), hashlib.sha256)
    return f"annotator-{digest.hexdigest()[:12]}"


def newest_submissions(project: Project, kind: str) -> QuerySet[Submission]:
    """The newest revision of every submitted assignment of this kind of task, oldest first."""
    newest = (
        Submission.objects.filter(assignment=OuterRef("assignment"))
        .order_by("-revision")
        .values("revision")[:1]
    )
    return (
        Submission.objects.filter(
            assignment__task__project=project,
            assignment__task__kind=kind,
            assignment__task__purpose=Task.Purpose.COLLECT,
            assignment__status=Assignment.Status.SUBMITTED,
        )
        .annotate(newest_revision=Subquery(newest))
        .filter(revision=F("newest_revision"))
        .select_related("assignment__user", "assignment__task__prompt")
        .order_by("pk")
    )


def ranking_records(project: Project) -> Iterator[tuple[int, records.Ranking]]:
    """(submission id, ranking) of every judged ranking task."""
    for batch in _batches(newest_submissions(project, Task.Kind.RANK).select_related("ranking")):
        slots = _texts_by_task([submission.assignment.task_id for submission in batch])
        for submission in batch:
            task = submission.assignment.task
            yield (
                submission.pk,
                records.Ranking(
                    ranking_id=str(submission.public_id),
                    prompt_id=str(task.prompt.public_id),
                    messages=_messages(task.prompt),
                    completions=tuple(slots[task.pk]),
                    places=tuple(submission.ranking.places),
                    split=cast(records.Split, task.prompt.split),
                    annotator=pseudonym(project, submission.assignment.user),
                    origin=submission.origin,
                ),
            )


def demonstration_records(project: Project) -> Iterator[tuple[int, records.Demonstration]]:
    """(submission id, demonstration) of every written demonstration."""
    submissions = newest_submissions(project, Task.Kind.DEMONSTRATE).select_related(
        "demonstration__completion"
    )
    for batch in _batches(submissions):
        for submission in batch:
            prompt = submission.assignment.task.prompt
            yield (
                submission.pk,
                records.Demonstration(
                    demonstration_id=str(submission.public_id),
                    prompt_id=str(prompt.public_id),
                    messages=_messages(prompt),
                    completion=submission.demonstration.completion.text,
                    split=cast(records.Split, prompt.split),
                    annotator=pseudonym(project, submission.assignment.user),
                ),
            )


def prompt_records(
    project: Project, *, splits: tuple[str, ...] = ("train", "valid", "test")
) -> Iterator[records.Prompt]:
    """Every prompt of the project in these splits, in the order they came in."""
    prompts = Prompt.objects.filter(project=project, split__in=splits).order_by("pk")
    for prompt in prompts.iterator(chunk_size=BATCH):
        yield records.Prompt(
            prompt_id=str(prompt.public_id),
            messages=_messages(prompt),
            split=cast(records.Split, prompt.split),
            language=prompt.language,
            category=prompt.category,
        )


def _batches(submissions: QuerySet[Submission]) -> Iterator[list[Submission]]:
    after = 0
    while batch := list(submissions.filter(pk__gt=after)[:BATCH]):
        yield batch
        after = batch[-1].pk


def _texts_by_task(task_ids: list[int]) -> dict[int, list[str]]:
    texts: dict[int, list[str]] = {}
    slots = TaskCompletion.objects.filter(task_id__in=task_ids).order_by("task_id", "slot")
    for task_id, text in slots.values_list("task_id", "completion__text"):
        texts.setdefault(task_id, []).append(text)
    return texts


def _messages(prompt: Prompt) -> tuple[records.Message, ...]:
    return tuple(records.Message(role=m["role"], content=m["content"]) for m in prompt.messages)
