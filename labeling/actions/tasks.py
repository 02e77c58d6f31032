"""Opening tasks."""

import random
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.errors import DomainError
from labeling.models import Completion, Prompt, Task, TaskCompletion


@transaction.atomic
def open_ranking_task(
    *,
    prompt: Prompt,
    completions: Sequence[Completion],
    round: int = 1,
    purpose: str = Task.Purpose.COLLECT,
    priority: int = 0,
) -> Task | None:
    """Ask people to rank these completions of one prompt.

    Equal texts share one place in the slate, since nobody can order them. Fewer than two different
    texts leave nothing to rank: no task is opened and None is returned.
    """
    if any(completion.prompt_id != prompt.pk for completion in completions):
        raise DomainError("foreign_completion", _("All outputs of a task must answer its own prompt."))
    by_text: dict[str, Completion] = {}
    for completion in completions:
        by_text.setdefault(completion.text.strip(), completion)
    distinct = list(by_text.values())
    if len(distinct) < 2:
        return None
    if len(distinct) > 9:
        raise DomainError("too_many_completions", _("A ranking has at most 9 outputs."))
    task = Task.objects.create(
        project_id=prompt.project_id,
        prompt=prompt,
        kind=Task.Kind.RANK,
        purpose=purpose,
        round=round,
        priority=priority,
        seats_wanted=seats_for(prompt),
    )
    TaskCompletion.objects.bulk_create(
        TaskCompletion(task=task, slot=slot, completion=completion)
        for slot, completion in enumerate(distinct, start=1)
    )
    return task


def seats_for(prompt: Prompt) -> int:
    """How many people judge this prompt's outputs: the project's overlap, drawn by the prompt's own id."""
    project = prompt.project
    drawn = random.Random(prompt.public_id.int).random()
    return project.overlap_people if drawn < project.overlap_share else 1


def open_demonstration_task(*, prompt: Prompt, round: int = 1, priority: int = 0) -> Task:
    """Ask somebody to write the ideal answer to this prompt; asked twice in a round it is one task."""
    return Task.objects.get_or_create(
        project_id=prompt.project_id,
        prompt=prompt,
        kind=Task.Kind.DEMONSTRATE,
        purpose=Task.Purpose.COLLECT,
        round=round,
        defaults={"priority": priority},
    )[0]
