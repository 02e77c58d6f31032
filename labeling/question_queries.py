"""Questions about tasks and their answers, as those who asked and those who answer see them; the FAQ."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Case, Count, Exists, OuterRef, Prefetch, QuerySet, When

from labeling.models import Assignment, FaqEntry, Project, Thread, ThreadMessage, User

PAGE = 20


@dataclass(frozen=True)
class ThreadPage:
    threads: list[Thread]  # each with `messages` and `has_news`
    after: uuid.UUID | None  # where the next page begins; None on the last


def questions_of(user: User, *, after: uuid.UUID | None = None) -> ThreadPage:
    """What this person asked in all projects, the newest thread first, a page by keyset."""
    return _page(_whole(Thread.objects.filter(assignment__user=user)), after)


def answered_questions(user: User, projects: Iterable[Project]) -> list[Thread]:
    """Threads of one's own with an answer that one has not seen yet, in these projects; newest first."""
    threads = Thread.objects.filter(assignment__user=user, assignment__task__project__in=list(projects))
    news = threads.filter(Exists(_unread())).select_related("assignment__task__prompt")
    return list(news.order_by("-pk"))


def thread_of(assignment: Assignment) -> Thread | None:
    """What the person of this assignment asked about its task, with all messages."""
    return _whole(Thread.objects.filter(assignment=assignment)).first()


def has_news(assignment: Assignment) -> bool:
    """Whether a question about this task was answered and the answer not yet seen."""
    return ThreadMessage.objects.filter(
        thread__assignment=assignment, kind=ThreadMessage.Kind.ANSWER, read_at=None
    ).exists()


def open_threads(project: Project) -> QuerySet[Thread]:
    """What waits for an answer; whoever has waited longest comes first."""
    return _whole(_in_project(project).filter(closed_at=None)).order_by("pk")


def closed_threads(project: Project, *, after: uuid.UUID | None = None) -> ThreadPage:
    return _page(_whole(_in_project(project).filter(closed_at__isnull=False)), after)


def all_threads(project: Project) -> QuerySet[Thread]:
    """Open and closed, the newest first."""
    return _whole(_in_project(project)).order_by("-pk")


def open_counts(projects: Iterable[Project]) -> dict[int, int]:
    """Primary key of a project → how many questions wait there, in one query for all of them."""
    threads = Thread.objects.filter(closed_at=None, assignment__task__project__in=list(projects))
    return dict(threads.values_list("assignment__task__project").annotate(Count("id")).order_by())


def faq_of(project: Project, language: str) -> list[FaqEntry]:
    """The entries in force in this language (zh-hans: in zh), else those in English, else in any one."""
    wanted = dict.fromkeys((language, language.partition("-")[0], "en"))
    choice = Case(
        *(When(language=code, then=place) for place, code in enumerate(wanted)), default=len(wanted)
    )
    entries = list(project.faq_entries.filter(retired_at=None).order_by(choice, "position"))
    return [entry for entry in entries if entry.language == entries[0].language]


def languages_to_read(project: Project) -> list[str]:
    """In which languages there are guidelines or entries of the FAQ."""
    guidelines = project.guideline_versions.values_list("language", flat=True)
    entries = project.faq_entries.filter(retired_at=None).values_list("language", flat=True)
    return sorted(guidelines.union(entries))


def faq_in_all_languages(project: Project) -> QuerySet[FaqEntry]:
    entries = project.faq_entries.filter(retired_at=None).select_related("author", "thread")
    return entries.order_by("language", "position")


def language_for(thread: Thread) -> str:
    """The project's language that whoever asked reads, as far as they said; else its first."""
    project, spoken = thread.assignment.task.project, thread.assignment.user.language
    wanted = [code for code in (spoken, spoken.partition("-")[0]) if code in project.languages]
    return wanted[0] if wanted else project.languages[0]


def _in_project(project: Project) -> QuerySet[Thread]:
    return Thread.objects.filter(assignment__task__project=project)


def _unread() -> QuerySet[ThreadMessage]:
    return ThreadMessage.objects.filter(thread=OuterRef("pk"), kind=ThreadMessage.Kind.ANSWER, read_at=None)


def _whole(threads: QuerySet[Thread]) -> QuerySet[Thread]:
    messages = ThreadMessage.objects.select_related("author").order_by("pk")
    return (
        threads.select_related("assignment__task__prompt", "assignment__task__project", "assignment__user")
        .defer("assignment__draft")
        .prefetch_related(Prefetch("messages", queryset=messages))
        .annotate(has_news=Exists(_unread()))
    )


def _page(threads: QuerySet[Thread], after: uuid.UUID | None) -> ThreadPage:
    if after is not None:
        start = Thread.objects.filter(public_id=after).values_list("pk", flat=True).first()
        threads = threads.filter(pk__lt=start or 0)
    found = list(threads.order_by("-pk")[: PAGE + 1])
    return ThreadPage(found[:PAGE], found[PAGE - 1].public_id if len(found) > PAGE else None)
