"""What managers ask: how far a project is, who works on it, which tasks there are."""

import datetime
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.contrib.postgres.search import SearchQuery
from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from labeling.days import today_in
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
    TaskStatusChange,
    Transfer,
    User,
)
from labeling.models.prompts import SearchVector
from labeling.rubrics.questions import in_language

PAGE = 50
SLOW_SECONDS = 0.3
KEPT_SECONDS = 60
NOT_ANSWERED = "–"
WITHOUT_SPACES = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


@dataclass
class KindCounts:
    open: int = 0
    complete: int = 0
    withdrawn: int = 0

    @property
    def total(self) -> int:
        return self.open + self.complete


@dataclass
class Stage:
    """How far the prompts of one language and category are."""

    language: str
    category: str
    prompts: int = 0
    demonstrate: KindCounts = field(default_factory=KindCounts)
    rank: KindCounts = field(default_factory=KindCounts)


@dataclass
class Work:
    """What one person has submitted: today by the project's calendar, and in all."""

    user: User
    ranked_today: int = 0
    ranked: int = 0
    written_today: int = 0
    written: int = 0


@dataclass(frozen=True)
class Progress:
    stages: list[Stage]
    work: list[Work]
    named_models: int  # open ranking tasks of which an output tells which model wrote it
    counted_at: datetime.datetime


@dataclass(frozen=True)
class TaskFilter:
    """Which tasks the list shows. Each field is checked against what may be asked."""

    kind: str = ""
    status: str = ""
    language: str = ""
    category: str = ""
    flag: str = ""  # names_model: an output tells which model wrote it
    text: str = ""


@dataclass(frozen=True)
class TaskPage:
    tasks: Sequence[Task]
    after: uuid.UUID | None  # where the next page begins; None on the last


def progress_of(project: Project) -> Progress:
    """Counts as of now; where counting is slow, because there is so much, as of a minute ago at most."""
    key = f"progress-{project.public_id}"
    if kept := cache.get(key):
        assert isinstance(kept, Progress)
        return kept
    began = time.monotonic()
    progress = Progress(
        stages_of(project), work_of_people(project), tasks_with_named_models(project), timezone.now()
    )
    if time.monotonic() - began > SLOW_SECONDS:
        cache.set(key, progress, KEPT_SECONDS)
    return progress


def stages_of(project: Project) -> list[Stage]:
    """Counts by language and category, in two queries; prompts are counted in an index, never opened."""
    stages: dict[tuple[str, str], Stage] = {}

    def stage(language: str, category: str) -> Stage:
        label = str(Prompt.Category(category).label)
        return stages.setdefault((language, category), Stage(language, label))

    prompts = Prompt.objects.filter(project=project).values_list("language", "category")
    for language, category, n in prompts.annotate(n=Count("id")).order_by():
        stage(language, category).prompts = n
    tasks = Task.objects.filter(project=project, purpose=Task.Purpose.COLLECT)
    groups = tasks.values_list("prompt__language", "prompt__category", "kind", "status")
    for language, category, kind, status, n in groups.annotate(n=Count("id")).order_by():
        counts = getattr(stage(language, category), kind, None)
        if counts is not None:
            setattr(counts, status, n)
    return [stages[key] for key in sorted(stages)]


def total_of(stages: list[Stage]) -> Stage:
    total = Stage("", "")
    for stage in stages:
        total.prompts += stage.prompts
        for kind in Task.Kind.values:
            for status in Task.Status.values:
                counts, more = getattr(total, kind), getattr(stage, kind)
                setattr(counts, status, getattr(counts, status) + getattr(more, status))
    return total


def work_of_people(project: Project) -> list[Work]:
    """Everybody who has submitted something; whoever did most today comes first."""
    counts = (
        Submission.objects.filter(assignment__task__project=project, revision=1)
        .values_list("assignment__user", "assignment__task__kind")
        .annotate(today=Count("id", filter=Q(created_at__gte=today_in(project).begin)), n=Count("id"))
        .order_by()
    )
    rows = list(counts)
    users = User.objects.only("name", "email", "kind").in_bulk({row[0] for row in rows})
    work = {pk: Work(user) for pk, user in users.items()}
    for user, kind, today_n, n in rows:
        if kind == Task.Kind.RANK:
            work[user].ranked_today, work[user].ranked = today_n, n
        else:
            work[user].written_today += today_n
            work[user].written += n
    return sorted(work.values(), key=lambda w: (-w.ranked_today - w.written_today, -w.ranked - w.written))


def page_of_tasks(project: Project, asked: TaskFilter, *, after: uuid.UUID | None) -> TaskPage:
    """Newest first, a page by keyset: as quick on the thousandth page as on the first."""
    tasks = tasks_asked_for(project, asked).select_related("prompt")
    if after is not None:
        start = Task.objects.filter(project=project, public_id=after).values_list("pk", flat=True).first()
        tasks = tasks.filter(pk__lt=start or 0)
    found = list(tasks.order_by("-pk")[: PAGE + 1])
    return TaskPage(found[:PAGE], found[PAGE - 1].public_id if len(found) > PAGE else None)


def tasks_asked_for(project: Project, asked: TaskFilter) -> QuerySet[Task]:
    """With whether one of their outputs names its model."""
    tasks = Task.objects.filter(project=project)
    tasks = tasks.annotate(names_model=Exists(_outputs_that_name_their_model()))
    if asked.flag == "names_model":
        tasks = tasks.filter(names_model=True)
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
    if asked.text.strip():
        tasks = tasks.filter(_text_filter(project, asked.text.strip()))
    return tasks


def tasks_with_named_models(project: Project) -> int:
    tasks = Task.objects.filter(project=project, kind=Task.Kind.RANK, status=Task.Status.OPEN)
    return tasks.filter(Exists(_outputs_that_name_their_model())).count()


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
        prompts = Prompt.objects.annotate(words=SearchVector("messages")).filter(
            Q(external_id=text) | Q(words=_search_query(text)), project=project
        )
        return Q(prompt__in=prompts.values("pk"))
    return Q(public_id=public_id) | Q(prompt__public_id=public_id)


def _search_query(text: str) -> SearchQuery:
    """All the words; a run of Chinese characters is a phrase, as labeling_words parts them."""
    words = WITHOUT_SPACES.sub(lambda run: f' "{" ".join(run[0])}" ', text.replace("\x00", ""))
    return SearchQuery(words, config="simple", search_type="websearch")
