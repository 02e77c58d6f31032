"""Which prompts a project has, and what became of one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, QuerySet

from labeling.manager_queries import PAGE, prompts_with
from labeling.models import Completion, Project, Prompt, Task
from labeling.selections import outputs_of_prompt

MOST_OUTPUTS = 30


@dataclass(frozen=True)
class PromptFilter:
    """Which prompts the list shows. has: tasks, no_tasks, outputs or no_outputs."""

    text: str = ""
    language: str = ""
    category: str = ""
    split: str = ""
    source: str = ""
    topic: str = ""
    has: str = ""


@dataclass(frozen=True)
class PromptPage:
    prompts: Sequence[Prompt]  # each with `outputs` and `open_tasks`, counts
    after: uuid.UUID | None  # where the next page begins; None on the last


def page_of_prompts(project: Project, asked: PromptFilter, *, after: uuid.UUID | None) -> PromptPage:
    """Newest first, a page by keyset."""
    prompts = prompts_found(project, asked)
    if after is not None:
        start = project.prompts.filter(public_id=after).values_list("pk", flat=True).first()
        prompts = prompts.filter(pk__lt=start or 0)
    found = list(prompts.select_related("author").order_by("-pk")[: PAGE + 1])
    following = found[PAGE - 1].public_id if len(found) > PAGE else None
    return PromptPage(_counted(found[:PAGE]), following)


def prompts_found(project: Project, asked: PromptFilter) -> QuerySet[Prompt]:
    """Every prompt that the filter lets pass."""
    prompts = Prompt.objects.filter(project=project)
    for name in ("language", "category", "split", "source"):
        if value := getattr(asked, name):
            prompts = prompts.filter(**{name: value})
    if asked.topic:
        prompts = prompts.filter(topics__contains=[asked.topic])
    if asked.has:
        rows: QuerySet[Task] | QuerySet[Completion] = (
            Task.objects.filter(prompt=OuterRef("pk")) if asked.has.endswith("tasks") else outputs_of_prompt()
        )
        there = Exists(rows)
        prompts = prompts.filter(~there if asked.has.startswith("no_") else there)
    return _with_text(prompts, project, asked.text.strip())


def outputs_of(prompt: Prompt) -> list[Completion]:
    """The newest of them. Whose they are is not for a page of a manager, who may rank too.

    Nor what people wrote to answer it: that stands on the task, and whoever looks there is not handed it.
    """
    outputs = prompt.completions.exclude(origin=Completion.Origin.PERSON)
    return list(outputs.order_by("-pk")[:MOST_OUTPUTS])


def tasks_of(prompt: Prompt) -> QuerySet[Task]:
    return prompt.tasks.order_by("-pk")


def _with_text(prompts: QuerySet[Prompt], project: Project, text: str) -> QuerySet[Prompt]:
    if not text:
        return prompts
    try:
        return prompts.filter(public_id=uuid.UUID(text))
    except ValueError:
        return prompts.filter(pk__in=prompts_with(project, text).values("pk"))


def _counted(prompts: list[Prompt]) -> list[Prompt]:
    """Of one page alone, in two queries."""
    keys = [prompt.pk for prompt in prompts]
    texts = Completion.objects.filter(prompt__in=keys).exclude(origin=Completion.Origin.PERSON)
    outputs = dict(texts.values_list("prompt").annotate(Count("id")))
    open_tasks = dict(
        Task.objects.filter(prompt__in=keys, status=Task.Status.OPEN)
        .values_list("prompt")
        .annotate(Count("id"))
    )
    for prompt in prompts:
        prompt.outputs = outputs.get(prompt.pk, 0)  # type: ignore[attr-defined]
        prompt.open_tasks = open_tasks.get(prompt.pk, 0)  # type: ignore[attr-defined]
    return prompts
