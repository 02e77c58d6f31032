"""What managers ask: who works in a project, which tasks there are, what became of one."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from labeling.exports import answers_by_key
from labeling.models import (
    Assignment,
    Completion,
    GuidelineVersion,
    Membership,
    Project,
    Prompt,
    Submission,
    Suspension,
    Task,
    TaskCompletion,
    TaskStatusChange,
    Transfer,
    User,
)
from labeling.models.prompts import SearchVector
from labeling.rubrics.questions import in_language

PAGE = 50
MOST_SLOTS = 9  # of a task
OFTEN = 3  # people who let the same task run out
NOT_ANSWERED = "–"
WITHOUT_SPACES = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


@dataclass(frozen=True)
class TaskFilter:
    """Which tasks the list shows. Each field is checked against what may be asked."""

    kind: str = ""
    status: str = ""
    language: str = ""
    category: str = ""
    flag: str = ""  # names_model: an output tells which model wrote it; given_back: it was let run out often
    text: str = ""


@dataclass(frozen=True)
class TaskPage:
    tasks: Sequence[Task]
    after: uuid.UUID | None  # where the next page begins; None on the last


def page_of_tasks(project: Project, asked: TaskFilter, *, after: uuid.UUID | None) -> TaskPage:
    """Newest first, a page by keyset: as quick on the thousandth page as on the first."""
    tasks = tasks_found(project, asked).select_related("prompt")
    tasks = tasks.annotate(names_model=Exists(_outputs_that_name_their_model()))
    if after is not None:
        start = Task.objects.filter(project=project, public_id=after).values_list("pk", flat=True).first()
        tasks = tasks.filter(pk__lt=start or 0)
    found = list(tasks.order_by("-pk")[: PAGE + 1])
    return TaskPage(found[:PAGE], found[PAGE - 1].public_id if len(found) > PAGE else None)


def tasks_found(project: Project, asked: TaskFilter) -> QuerySet[Task]:
    """Every task that the filter lets pass."""
    tasks = Task.objects.filter(project=project)
    if asked.flag == "names_model":
        tasks = tasks.filter(Exists(_outputs_that_name_their_model()))
    elif asked.flag == "given_back":
        tasks = tasks.filter(pk__in=_given_back_often(project))
    tasks = tasks.filter(
        **{
            name: value
            for name, value in (
                ("kind", asked.kind),
                ("status", asked.status),
                ("prompt__language", asked.language),
                ("prompt__category", asked.category),
            )
            if value
        }
    )
    return tasks.filter(_text_filter(project, asked.text.strip())) if asked.text.strip() else tasks


def tasks_with_named_models(project: Project, *, most: int) -> int:
    """How many open tasks, no further than one over `most`; found from the few outputs that do."""
    slots = TaskCompletion.objects.filter(
        task__project=project, task__kind=Task.Kind.RANK, task__status=Task.Status.OPEN
    ).exclude(completion__names_model="")
    # So many rows hold so many tasks, and the search stops at the last of them.
    found = slots.values_list("task", flat=True)
    return min(most + 1, len(set(found.order_by()[: MOST_SLOTS * (most + 1)])))


def tasks_given_back_often(project: Project, *, most: int) -> int:
    """How many open tasks, no further than one over `most`."""
    tasks = Task.objects.filter(pk__in=_given_back_often(project), status=Task.Status.OPEN)
    return tasks[: most + 1].count()


def _given_back_often(project: Project) -> QuerySet[Assignment, dict[str, Any]]:
    """Tasks that several people let run out and never submitted."""
    expired = Assignment.objects.filter(task__project=project, status=Assignment.Status.EXPIRED)
    often = expired.values("task").annotate(people=Count("user")).filter(people__gte=OFTEN)
    return often.values("task").order_by()


def _outputs_that_name_their_model() -> QuerySet[Completion]:
    """Of the task in the query around it, by the index of the few that do."""
    named = Completion.objects.filter(prompt=OuterRef("prompt")).exclude(names_model="")
    return named.filter(slots__task=OuterRef("pk"))


def history_of(task: Task) -> QuerySet[TaskStatusChange]:
    return task.status_changes.select_related("actor").order_by("-pk")


def outputs_of(task: Task) -> list[Completion]:
    """Of a ranking task, by slot. Whose they are is not for its page: managers may rank too."""
    return [slot.completion for slot in task.slots.select_related("completion").order_by("slot")]


def seats_of(task: Task) -> QuerySet[Assignment]:
    """Who took the task. Who skipped a sensitive one is not named: it never counts against anybody.

    Nor who wrote one of its outputs: managers may rank too.
    """
    took = task.assignments.exclude(status__in=Assignment.BARRED)
    seats = took.select_related("user").defer("draft").order_by("pk")
    is_sensitive = bool(task.topics) or task.slots.filter(completion__is_sensitive=True).exists()
    return seats.exclude(status=Assignment.Status.SKIPPED) if is_sensitive else seats


@dataclass(frozen=True)
class Judgment:
    """What one person made of a task. answers: a question and its values by output, or one alone."""

    submission: Submission
    places: list[int]
    answers: list[tuple[str, list[str]]]


def judgments_of(task: Task, language: str) -> list[Judgment]:
    """The newest of everybody, in the order of the outputs on the manager's page."""
    newest = (
        Submission.objects.filter(assignment__task=task)
        .select_related("assignment__user", "ranking", "rubric_version", "demonstration__completion")
        .prefetch_related("answers")
        .order_by("assignment_id", "-revision")
        .distinct("assignment_id")
    )
    return [
        Judgment(
            submission=submission,
            places=submission.ranking.places if submission.verdict == Submission.Verdict.RANKED else [],
            answers=_answers_shown(submission, language),
        )
        for submission in newest
    ]


def _answers_shown(submission: Submission, language: str) -> list[tuple[str, list[str]]]:
    questions = submission.rubric_version.asked if submission.rubric_version else ()
    slots = range(1, len(submission.assignment.display_order) + 1)
    by_key = answers_by_key(submission, slots=len(slots))
    shown = []
    for question in questions:
        values = by_key[question.key] if question.per == "completion" else [by_key[question.key]]
        names = {option.key: in_language(option.name, language) for option in question.options}
        if any(value not in (None, False) for value in values):
            texts = [
                {True: "✓", False: NOT_ANSWERED, None: NOT_ANSWERED}.get(value)
                or str(names.get(value, value))
                for value in values
            ]
            shown.append((in_language(question.name, language), texts))
    return shown


def members_of(project: Project) -> list[User]:
    """Everybody with a role here; `roles_here` are their memberships, `suspended_here` what bars them."""
    here = Membership.objects.filter(project=project)
    in_force = Suspension.objects.filter(project=project, lifted_at=None)
    members = User.objects.filter(memberships__project=project).distinct().order_by("name", "email")
    return list(
        members.prefetch_related(
            Prefetch("memberships", queryset=here, to_attr="roles_here"),
            Prefetch("suspensions", queryset=in_force, to_attr="suspended_here"),
        )
    )


def versions_of_guidelines(project: Project) -> QuerySet[GuidelineVersion]:
    """Newest first, without their texts."""
    return project.guideline_versions.select_related("author").defer("body").order_by("-pk")


def newest_guidelines(project: Project, language: str) -> GuidelineVersion | None:
    return project.guideline_versions.filter(language=language).order_by("-number").first()


def imports_of(project: Project) -> QuerySet[Transfer]:
    return (
        project.transfers.filter(direction=Transfer.Direction.IMPORT)
        .select_related("created_by")
        .defer("problems")
        .order_by("-pk")
    )


def openings_of(project: Project) -> QuerySet[Transfer]:
    """Of many tasks at once, newest first."""
    openings = project.transfers.filter(direction=Transfer.Direction.TASKS)
    return openings.select_related("created_by").order_by("-pk")


def _text_filter(project: Project, text: str) -> Q:
    """An id of the task or its prompt, the team's own id, or words of the conversation."""
    try:
        public_id = uuid.UUID(text)
    except ValueError:
        return Q(prompt__in=prompts_with(project, text).values("pk"))
    return Q(public_id=public_id) | Q(prompt__public_id=public_id)


def prompts_with(project: Project, text: str) -> QuerySet[Prompt]:
    """Prompts with the team's own id, or with these words in the conversation."""
    return Prompt.objects.annotate(words=SearchVector("messages")).filter(
        Q(external_id=text) | Q(words=_search_query(text)), project=project
    )


def _search_query(text: str) -> SearchQuery:
    """All the words; a run of Chinese characters is a phrase, as labeling_words parts them."""
    words = WITHOUT_SPACES.sub(lambda run: f' "{" ".join(run[0])}" ', text.replace("\x00", ""))
    return SearchQuery(words, config="simple", search_type="websearch")
