"""Judgments and prompts as the records that snapshots are made of."""

from collections.abc import Iterator
from typing import cast

from labeling.exports import judgments
from labeling.exports.filters import EVERYTHING, Filters
from labeling.models import Project, Prompt
from training.engine import records


def ranking_records(project: Project, filters: Filters = EVERYTHING) -> Iterator[tuple[int, records.Ranking]]:
    """(submission id, ranking) of every judged ranking task."""
    group_of = judgments.groups(project)
    for submission, completions in judgments.rankings(project, filters):
        prompt = submission.assignment.task.prompt
        yield (
            submission.pk,
            records.Ranking(
                ranking_id=str(submission.public_id),
                prompt_id=str(prompt.public_id),
                messages=_messages(prompt),
                completions=tuple(completion.text for completion in completions),
                places=tuple(submission.ranking.places),
                split=cast(records.Split, prompt.split),
                annotator=judgments.pseudonym(project, submission.assignment.user),
                origin=submission.origin,
                annotator_group=cast(records.AnnotatorGroup, group_of(submission)),
            ),
        )


def demonstration_records(
    project: Project, filters: Filters = EVERYTHING
) -> Iterator[tuple[int, records.Demonstration]]:
    """(submission id, demonstration) of every written demonstration."""
    for submission in judgments.demonstrations(project, filters):
        prompt = submission.assignment.task.prompt
        yield (
            submission.pk,
            records.Demonstration(
                demonstration_id=str(submission.public_id),
                prompt_id=str(prompt.public_id),
                messages=_messages(prompt),
                completion=submission.demonstration.completion.text,
                split=cast(records.Split, prompt.split),
                annotator=judgments.pseudonym(project, submission.assignment.user),
            ),
        )


def prompt_records(project: Project, filters: Filters = EVERYTHING) -> Iterator[records.Prompt]:
    """Every prompt of the project, in the order they came in."""
    for prompt in judgments.prompts(project, filters):
        yield records.Prompt(
            prompt_id=str(prompt.public_id),
            messages=_messages(prompt),
            split=cast(records.Split, prompt.split),
            language=prompt.language,
            category=prompt.category,
        )


def completion_records(project: Project, filters: Filters = EVERYTHING) -> Iterator[records.Completion]:
    """Every completion of the project's prompts, whoever wrote it, to be scored."""
    for completion in judgments.completions(project, filters):
        yield records.Completion(
            completion_id=str(completion.public_id),
            prompt_id=str(completion.prompt.public_id),
            messages=_messages(completion.prompt),
            completion=completion.text,
        )


def _messages(prompt: Prompt) -> tuple[records.Message, ...]:
    return tuple(records.Message(role=m["role"], content=m["content"]) for m in prompt.messages)
