"""What managers ask of a pilot: who could work in it, what it could be drawn from, what came of it."""

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, Q, QuerySet, Sum

from labeling.agreement import Agreement, pairwise_agreement
from labeling.models import Assignment, Membership, Pilot, Project, Prompt, Submission, Task, Transfer, User
from labeling.selections import USUAL_SPLITS, can_have_task, tasks_of_prompt
from labeling.suspension_queries import suspended_in

Verdict = Submission.Verdict


@dataclass(frozen=True)
class PersonInPilot:
    user: User
    wanted: int  # tasks in their languages
    submitted: int
    skipped: int
    minutes: float | None  # the median of what they submitted


@dataclass(frozen=True)
class Readiness:
    """Whether a language has what a pilot needs. kinds: of tasks for which it has prompts."""

    language: str
    kinds: list[str]
    annotators: int


@dataclass(frozen=True)
class PilotFigures:
    """What came of a pilot so far. agreement: of a pilot of ranking tasks only."""

    tasks: int
    wanted: int
    submitted: int
    people: list[PersonInPilot]
    minutes: float | None
    agreement: Agreement | None
    none_usable: int
    prompt_problems: int
    questions: int

    @property
    def is_done(self) -> bool:
        return self.submitted >= self.wanted > 0


def annotators_of(project: Project) -> QuerySet[Membership]:
    """Everybody who is an annotator here, can sign in and is not suspended, and simulated ones."""
    kinds = (User.Kind.HUMAN, User.Kind.SIMULATED)
    return project.memberships.filter(
        role=Membership.Role.ANNOTATOR, user__is_active=True, user__kind__in=kinds
    ).exclude(user__in=suspended_in(project))


def annotators_by_language(project: Project, languages: Iterable[str]) -> dict[str, int]:
    """Language → how many annotators may be given a task in it."""
    of_people = list(annotators_of(project).values_list("languages", flat=True))
    return {language: sum(not chosen or language in chosen for chosen in of_people) for language in languages}


def pilot_prompts(project: Project, kind: str) -> QuerySet[Prompt]:
    """What a pilot is drawn from: prompts on nothing sensitive for which nobody has begun a task of the kind.

    Sensitive ones are not given to everybody, and everybody is to do the same.
    """
    prompts = Prompt.objects.filter(project=project, split__in=USUAL_SPLITS[Task.Kind(kind)], topics=[])
    begun = tasks_of_prompt(kind).exclude(status=Task.Status.OPEN, seats_taken=0)
    return can_have_task(prompts, kind).filter(~Exists(begun))


def pilot_prompts_by_language(project: Project, kind: str) -> dict[str, int]:
    languages = pilot_prompts(project, kind).values_list("language")
    return dict(languages.annotate(n=Count("pk")).order_by("language"))


def readiness_of(project: Project) -> list[Readiness]:
    """By language of the project."""
    people = annotators_by_language(project, project.languages)
    return [
        Readiness(
            language,
            [
                str(kind.label)
                for kind in Task.Kind
                if pilot_prompts(project, kind).filter(language=language).exists()
            ],
            people[language],
        )
        for language in project.languages
    ]


def newest_pilot(project: Project) -> Pilot | None:
    return project.pilots.select_related("started_by").order_by("-pk").first()


def is_rest_opened(pilot: Pilot) -> bool:
    """Whether somebody opened tasks for many prompts since the pilot began."""
    openings = Transfer.objects.filter(project=pilot.project, direction=Transfer.Direction.TASKS)
    return openings.filter(content=pilot.kind, created_at__gte=pilot.created_at).exists()


def figures_of(pilot: Pilot) -> PilotFigures:
    """In a few queries, whatever has been submitted."""
    languages = Counter(pilot.tasks.values_list("language", flat=True))
    wanted = pilot.tasks.aggregate(n=Sum("seats_wanted"))["n"] or 0
    judged = _judged(pilot)
    verdicts = Counter(submission.verdict for submission in judged)
    seconds = _seconds(judged)
    is_ranking = pilot.kind == Task.Kind.RANK
    return PilotFigures(
        tasks=sum(languages.values()),
        wanted=wanted,
        submitted=len(judged),
        people=_people(pilot, languages, judged),
        minutes=_median_minutes(seconds),
        agreement=pairwise_agreement(_by_task(judged)) if is_ranking else None,
        none_usable=verdicts[Verdict.NONE_USABLE],
        prompt_problems=verdicts[Verdict.PROMPT_PROBLEM],
        questions=Assignment.objects.filter(task__pilots=pilot, thread__isnull=False).count(),
    )


def _judged(pilot: Pilot) -> list[Submission]:
    """The newest revision of everything submitted in it."""
    submissions = Submission.objects.filter(
        assignment__task__pilots=pilot, assignment__status=Assignment.Status.SUBMITTED
    )
    return list(
        submissions.select_related("assignment", "ranking")
        .defer("comment", "assignment__draft")
        .order_by("assignment_id", "-revision")
        .distinct("assignment_id")
    )


def _by_task(judged: list[Submission]) -> Iterable[tuple[int, list[list[int]]]]:
    places: dict[int, list[list[int]]] = {}
    for submission in judged:
        if submission.verdict == Verdict.RANKED:
            places.setdefault(submission.assignment.task_id, []).append(submission.ranking.places)
    return places.items()


def _seconds(judged: list[Submission]) -> list[int]:
    """Of what was measured; a revision that took another look counts with its own time alone."""
    return [submission.active_seconds for submission in judged if submission.active_seconds is not None]


def _median_minutes(seconds: list[int]) -> float | None:
    return statistics.median(seconds) / 60 if seconds else None


def _people(pilot: Pilot, languages: Counter[str], judged: list[Submission]) -> list[PersonInPilot]:
    """Everybody who may work in it or has, by name."""
    chosen = dict(annotators_of(pilot.project).values_list("user_id", "languages"))
    skipped = _skipped(pilot)
    by_user: dict[int, list[Submission]] = {}
    for submission in judged:
        by_user.setdefault(submission.assignment.user_id, []).append(submission)

    def wanted(user: User) -> int:
        if user.pk not in chosen:
            return len(by_user[user.pk])
        return sum(n for code, n in languages.items() if not chosen[user.pk] or code in chosen[user.pk])

    users = User.objects.filter(Q(pk__in=chosen) | Q(pk__in=by_user)).order_by("name", "email")
    return [
        PersonInPilot(
            user=user,
            wanted=wanted(user),
            submitted=len(by_user.get(user.pk, [])),
            skipped=skipped.get(user.pk, 0),
            minutes=_median_minutes(_seconds(by_user.get(user.pk, []))),
        )
        for user in users
    ]


def _skipped(pilot: Pilot) -> dict[int, int]:
    """Person → tasks skipped, without sensitive ones: to skip those never counts against anybody."""
    skipped = Assignment.objects.filter(
        task__pilots=pilot, task__topics=[], status=Assignment.Status.SKIPPED
    ).exclude(task__completions__is_sensitive=True)
    return dict(skipped.values_list("user_id").annotate(n=Count("pk")).order_by())
