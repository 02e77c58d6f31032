"""What can be asked of labeling's rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import Now

from labeling.composed import Composed, asked
from labeling.eligibility import WORK, Eligibility, eligibility_of
from labeling.guideline_queries import in_language
from labeling.models import (
    Assignment,
    Demonstration,
    GuidelineVersion,
    Project,
    Prompt,
    PromptDraft,
    Submission,
    Task,
    TaskCompletion,
    User,
    output_letter,
)

MOST_COUNTED = 1000


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
    """Kind of task → counts, in two queries whatever the number of tasks."""
    tasks = {
        row["kind"]: row
        for row in Task.objects.filter(project=project, purpose=Task.Purpose.COLLECT)
        .values("kind")
        .annotate(
            open=Count("id", filter=Q(status="open")), complete=Count("id", filter=Q(status="complete"))
        )
    }
    submissions = dict(
        Assignment.objects.filter(task__project=project, status=Assignment.Status.SUBMITTED)
        .values_list("task__kind")
        .annotate(Count("id"))
    )
    return {
        kind: TaskCounts(
            open=tasks.get(kind, {}).get("open", 0),
            complete=tasks.get(kind, {}).get("complete", 0),
            submissions=submissions.get(kind, 0),
        )
        for kind in Task.Kind.values
    }


def tasks_waiting_for(user: User, project: Project, kind: str) -> int:
    """How many tasks of this kind this person could still be given today; not counted beyond MOST_COUNTED."""
    return _waiting(user, project, kind, eligibility_of(user, project))


def all_waiting_for(user: User, project: Project) -> dict[str, int]:
    """Kind of task → how many this person could still be given today, as tasks_waiting_for counts."""
    may = eligibility_of(user, project)
    return {kind: _waiting(user, project, kind, may) for kind in Task.Kind.values}


def _waiting(user: User, project: Project, kind: str, may: Eligibility) -> int:
    status = Assignment.Status
    mine = Assignment.objects.filter(user=user, task__project=project, task__kind=kind)
    opened = mine.filter(may.welcome("task__"), status=status.LEASED, lease_until__gt=Now())
    if may.is_day_full:
        return opened.count()
    open_tasks = Task.objects.filter(may.fits(), project=project, kind=kind, status=Task.Status.OPEN)
    free = open_tasks.filter(seats_taken__lt=F("seats_wanted")).exclude(assignments__user=user)
    # Seats that somebody else has only reserved go to whoever asks.
    reserved = Assignment.objects.filter(
        status=status.RESERVED,
        task__in=open_tasks.filter(seats_taken=F("seats_wanted")).exclude(assignments__user=user),
    )
    # What ran out is swept as they ask, and is then as free for them as what was swept before.
    own = mine.filter(
        Q(status=status.RESERVED)
        | Q(status=status.LEASED, lease_until__lte=Now())
        | Q(status=status.EXPIRED, task__seats_taken__lt=F("task__seats_wanted")),
        may.fits("task__"),
        task__status=Task.Status.OPEN,
    )
    # A million tasks are not counted on each page: one more than MOST_COUNTED says that there are more.
    some = MOST_COUNTED + 1
    found = free.values("pk")[:some].union(
        opened.values("task"), own.values("task"), reserved.values("task")[:some]
    )
    n = min(found.count(), some)
    return n if may.left_today is None else min(n, opened.count() + may.left_today)


def submissions_by(user: User, project: Project) -> dict[str, int]:
    """Kind of task → how many this person has submitted."""
    counts = dict(
        Assignment.objects.filter(user=user, task__project=project, status=Assignment.Status.SUBMITTED)
        .values_list("task__kind")
        .annotate(Count("id"))
    )
    return {kind: counts.get(kind, 0) for kind in Task.Kind.values}


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
