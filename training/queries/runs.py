"""Runs: the list, and what the page of one shows."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from labeling.models import Project, Task
from training.models import Run, RunAttempt, RunMessage, SampledText, Score

MOST_TEXTS = 12
MOST_MESSAGES = 200
MOST_SCORES = 5
LOG_TAIL = 8_000


@dataclass(frozen=True)
class Pace:
    """How fast a run goes: units a second, and the seconds left; None while that cannot be told."""

    rate: float | None
    seconds_left: float | None


def runs_of(project: Project) -> QuerySet[Run]:
    """Newest first; the runs of trials are found from their trial."""
    return (
        Run.objects.filter(project=project, trial_answer=None)
        .select_related("created_by", "model_version")
        .prefetch_related("inputs__model_version")
        .order_by("-pk")
    )


def pace_of(run: Run) -> Pace:
    """Reckoned over the current attempt: what an earlier one did took time that is over."""
    attempt = RunAttempt.objects.filter(run=run, number=run.attempt).first()
    if run.status != Run.Status.RUNNING or attempt is None or attempt.progress_from_at is None:
        return Pace(None, None)
    seconds = (timezone.now() - attempt.progress_from_at).total_seconds()
    done = run.progress_done - (attempt.progress_from or 0)
    if done <= 0 or seconds < 1:
        return Pace(None, None)
    rate = done / seconds
    return Pace(rate, (run.progress_total - run.progress_done) / rate)


def sampled_texts(run: Run) -> QuerySet[SampledText]:
    return SampledText.objects.filter(run=run).order_by("-step", "-position")[:MOST_TEXTS]


def scored_outputs(run: Run) -> list[tuple[str, list[Score]]]:
    """What stands out among the outputs that a score run has scored: (title, scores), a few each."""
    scores = Score.objects.filter(run=run).select_related("completion__prompt")
    unsure = scores.filter(spread__gt=0).order_by("-spread", "pk")
    return [
        (_("Highest scores"), list(scores.order_by("-value", "pk")[:MOST_SCORES])),
        (_("Lowest scores"), list(scores.order_by("value", "pk")[:MOST_SCORES])),
        (_("Where the reward models are furthest apart"), list(unsure[:MOST_SCORES])),
    ]


def messages_of(run: Run) -> QuerySet[RunMessage]:
    """What the run has said, the newest first."""
    return RunMessage.objects.filter(run=run).order_by("-position")[:MOST_MESSAGES]


def opened_tasks(run: Run) -> int:
    """Ranking tasks made of this run's completions."""
    return Task.objects.filter(completions__sample__run=run).aggregate(n=Count("pk", distinct=True))["n"]


def record_version(run: Run) -> str:
    """Changes when the texts, attempts or log of a run do: what was seen need not be sent again."""
    try:
        log_size = (run.directory / "log.txt").stat().st_size
    except FileNotFoundError:
        log_size = 0
    newest = SampledText.objects.filter(run=run).aggregate(n=Max("position"))["n"]
    return f"{log_size}-{newest or 0}-{run.attempt}-{run.status}"


def log_tail(run: Run) -> str:
    """The end of what the engine has printed, from a whole line on."""
    try:
        with (run.directory / "log.txt").open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(0, size - LOG_TAIL))
            tail = log.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return tail if size <= LOG_TAIL else tail.partition("\n")[2]


def runs_named(project: Project, public_ids: Sequence[uuid.UUID]) -> QuerySet[Run]:
    """These runs of the project, with what a comparison shows of each."""
    return (
        runs_of(project)
        .filter(public_id__in=public_ids)
        .select_related("snapshot", "corpus", "model_version")
    )
