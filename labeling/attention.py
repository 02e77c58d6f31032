"""What in a project waits for its manager now: each thing with a sentence and where it is settled."""

import datetime
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from labeling import question_queries, review_queries
from labeling.agreement_queries import Measured
from labeling.days import today_in
from labeling.manager_queries import tasks_given_back_often, tasks_with_named_models
from labeling.models import Project, User
from labeling.overview_queries import Stage, by_language
from labeling.people_queries import PersonWork
from labeling.pilot_queries import annotators_by_language
from labeling.suspension_queries import suspended_in

IDLE_DAYS = 3
FEWEST_PAIRS = 30  # of one person, before their agreement says anything
FEWEST_TASKS = 20  # of one person, before their pace does
FAR = 3  # times as quick, or as slow, as people usually are
MOST_NAMES = 5
MOST_COUNTED = 99  # of flawed tasks; 99+ says that there are more


@dataclass(frozen=True)
class Attention:
    """text: what is the matter. names: whom it is about, the first of them. address, link: where to go."""

    text: str
    address: str
    link: str
    names: Sequence[str] = ()
    more: int = 0  # people besides those named
    is_urgent: bool = True


def attention_for(
    manager: User, project: Project, stages: list[Stage], people: list[PersonWork], measured: Measured
) -> list[Attention]:
    """The most urgent first."""
    found = [
        *_questions(project),
        *_flawed_tasks(project),
        *_languages_without_people(project, stages),
        *_people(project, stages, people, measured),
        *_reviews(manager, project),
    ]
    return sorted(found, key=lambda one: not one.is_urgent)


def counted(n: int, most: int = MOST_COUNTED) -> str:
    """A count that goes no further than this."""
    return f"{most}+" if n > most else str(n)


def _page(name: str, project: Project, query: str = "") -> str:
    address = reverse(name, args=[project.public_id])
    return f"{address}?{query}" if query else address


def _questions(project: Project) -> Iterable[Attention]:
    if n := question_queries.open_counts([project]).get(project.pk, 0):
        said = ngettext("%s question waits for an answer.", "%s questions wait for an answer.", n) % n
        yield Attention(said, _page("manage-questions", project), _("Answer"))


def _reviews(manager: User, project: Project) -> Iterable[Attention]:
    if n := review_queries.waiting_count(manager, project):
        shown = counted(n, review_queries.MOST_COUNTED)
        said = ngettext("%s submission waits for a review.", "%s submissions wait for a review.", n) % shown
        yield Attention(said, _page("reviews", project), _("Review"), is_urgent=False)


def _flawed_tasks(project: Project) -> Iterable[Attention]:
    if n := tasks_with_named_models(project, most=MOST_COUNTED):
        said = ngettext(
            "%(n)s open task has an output that tells which model wrote it.",
            "%(n)s open tasks have an output that tells which model wrote it.",
            n,
        )
        address = _page("manage-tasks", project, "status=open&flag=names_model")
        yield Attention(said % {"n": counted(n)}, address, _("Look at them"))
    if n := tasks_given_back_often(project, most=MOST_COUNTED):
        said = ngettext(
            "%s open task was let run out by three people or more.",
            "%s open tasks were let run out by three people or more.",
            n,
        )
        address = _page("manage-tasks", project, "status=open&flag=given_back")
        yield Attention(said % counted(n), address, _("Look at them"))


def _languages_without_people(project: Project, stages: list[Stage]) -> Iterable[Attention]:
    wanted = [stage for stage in by_language(stages) if stage.left]
    people = annotators_by_language(project, [stage.language for stage in wanted])
    for stage in wanted:
        if not people[stage.language]:
            said = ngettext(
                "%s judgment is wanted in a language in which nobody works:",
                "%s judgments are wanted in a language in which nobody works:",
                stage.left,
            )
            address = _page("manage-people", project)
            yield Attention(said % f"{stage.left:,}", address, _("People"), names=[stage.language])


def _people(
    project: Project, stages: list[Stage], people: list[PersonWork], measured: Measured
) -> Iterable[Attention]:
    kept_out = set(suspended_in(project))
    here = [row for row in people if row.is_labeler and row.user.is_active and row.user.pk not in kept_out]
    if any(stage.left for stage in stages) and not project.paused_at:
        since = today_in(project).date - datetime.timedelta(days=IDLE_DAYS)
        idle = [row for row in here if row.last_day and row.last_day < since]
        yield from _about(project, idle, _("Have not worked for over three days, while tasks are open:"))
        fresh = [row for row in here if row.last_day is None]
        yield from _about(project, fresh, _("Have not begun yet:"), is_urgent=False)
    yield from _about(
        project, _far_from_others(here, measured), _("Agree with the others less than people do here:")
    )
    quick, slow = _far_in_time(here)
    yield from _about(project, quick, _("Take less than a third of the usual time:"))
    yield from _about(project, slow, _("Take more than three times the usual time:"), is_urgent=False)


def _about(
    project: Project, rows: Sequence[PersonWork], text: str, *, is_urgent: bool = True
) -> Iterable[Attention]:
    if rows:
        yield Attention(
            text,
            _page("manage-people", project),
            _("People"),
            names=[str(row.user) for row in rows[:MOST_NAMES]],
            more=max(0, len(rows) - MOST_NAMES),
            is_urgent=is_urgent,
        )


def _far_from_others(people: list[PersonWork], measured: Measured) -> list[PersonWork]:
    """Whose whole interval lies below what people agree here."""
    usual = measured.all.share
    if usual is None:
        return []
    return [
        row
        for row in people
        if row.agreement
        and row.agreement.pairs >= FEWEST_PAIRS
        and row.agreement.high is not None
        and row.agreement.high < usual
    ]


def _far_in_time(people: list[PersonWork]) -> tuple[list[PersonWork], list[PersonWork]]:
    """Who is far quicker, and who far slower, at a ranking than half of the people are."""
    paced = [
        (row, row.ranking_pace.seconds)
        for row in people
        if row.ranking_pace and row.ranking_pace.tasks >= FEWEST_TASKS
    ]
    if len(paced) < 3:
        return [], []
    usual = statistics.median(seconds for _row, seconds in paced)

    def those(are: Callable[[float], bool]) -> list[PersonWork]:
        return [row for row, seconds in paced if are(seconds)]

    return those(lambda s: s * FAR < usual), those(lambda s: s > usual * FAR)
