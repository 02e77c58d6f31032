"""What managers ask before a project is at work: what is missing, and what a plan begins with."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from labeling.models import Plan, Project, Submission, Task
from labeling.pilot_queries import annotators_by_language, annotators_of, newest_pilot
from labeling.plans import Workload, usual_minutes
from labeling.rubric_queries import newest_rubric
from labeling.selections import USUAL_SPLITS, can_have_task

ENOUGH_TO_MEASURE = 20
MOST_MEASURED = 1000  # the newest
USUAL_HOURS_A_DAY = 4.0
USUAL_PROMPTS = 2000


@dataclass(frozen=True)
class Check:
    """One line of the checklist. state: done, begun, missing or optional. page: the name of its address."""

    title: str
    state: str
    detail: str
    page: str


@dataclass(frozen=True)
class Usual:
    """What the plan's page begins with. plan: in force.

    measured: minutes a ranking took here on average, over so many judgments; None before there are enough.
    """

    workload: Workload
    plan: Plan | None
    measured: float | None
    judgments: int


def newest_plan(project: Project) -> Plan | None:
    return project.plans.select_related("author").order_by("-pk").first()


def usual_workload(project: Project) -> Usual:
    """By the plan in force, else by the project as it is.

    Minutes are the mean of active time and not the median: hours are a sum over all judgments, slow ones too.
    """
    seconds = _measured_seconds(project)
    measured = sum(seconds) / len(seconds) / 60 if len(seconds) >= ENOUGH_TO_MEASURE else None
    if plan := newest_plan(project):
        return Usual(plan.workload, plan, measured, len(seconds))
    k = project.completions_per_prompt
    workload = Workload(
        prompts=project.prompts.filter(split__in=USUAL_SPLITS[Task.Kind.RANK]).count() or USUAL_PROMPTS,
        completions_per_prompt=k,
        overlap_share=project.overlap_share,
        overlap_people=project.overlap_people,
        minutes=measured or usual_minutes(k),
        people=annotators_of(project).count() or 1,
        hours_a_day=USUAL_HOURS_A_DAY,
        hourly_rate=project.hourly_rate,
    )
    return Usual(workload, None, measured, len(seconds))


def _measured_seconds(project: Project) -> list[int]:
    """Of the newest first submissions to ranking tasks, as far as somebody measured."""
    ranked = Submission.objects.filter(
        project=project, origin=Submission.Origin.PERSON, revision=1, active_seconds__gt=0
    ).exclude(verdict=Submission.Verdict.WRITTEN)
    newest = ranked.order_by("-pk").values_list("active_seconds", flat=True)[:MOST_MEASURED]
    return [seconds for seconds in newest if seconds is not None]


def has_open_rankings(project: Project) -> bool:
    """Whether there are tasks whose overlap was drawn already; those of a pilot are everybody's."""
    opened = project.tasks.filter(kind=Task.Kind.RANK, status=Task.Status.OPEN, pilots=None)
    return opened.filter(purpose=Task.Purpose.COLLECT).exists()


def checklist_of(project: Project) -> list[Check]:
    """What a project needs before people work in it, in the order in which it is done.

    In a few queries, none of which reads past the first row that answers it.
    """
    return [
        _guidelines(project),
        _rubric(project),
        _prompts(project),
        _people(project),
        _outputs(project),
        _plan(project),
        _pilot(project),
    ]


def _guidelines(project: Project) -> Check:
    written = set(project.guideline_versions.order_by().values_list("language", flat=True).distinct())
    missing = [code for code in project.languages if not {code, code.partition("-")[0]} & written]
    detail = _("Missing in %s.") % ", ".join(missing) if missing else _("In every language.")
    return Check(_("Guidelines"), _state(not missing), detail, "manage-guidelines")


def _rubric(project: Project) -> Check:
    rubric = newest_rubric(project)
    if rubric is None or not rubric.questions:
        return Check(_("Rubric"), "optional", _("None: people only rank."), "manage-rubric")
    detail = _("Questions: %s.") % len(rubric.questions)
    return Check(_("Rubric"), "done", detail, "manage-rubric")


def _prompts(project: Project) -> Check:
    missing = [code for code in project.languages if not project.prompts.filter(language=code).exists()]
    detail = _("Missing in %s.") % ", ".join(missing) if missing else _("In every language.")
    return Check(_("Prompts"), _state(not missing), detail, "manage-imports")


def _people(project: Project) -> Check:
    people = annotators_by_language(project, project.languages)
    missing = [code for code, n in people.items() if not n]
    if missing:
        detail = _("No annotator works in %s.") % ", ".join(missing)
    else:
        detail = _("Annotators: %s.") % _listed(people)
    return Check(_("People"), _state(not missing), detail, "manage-people")


def _outputs(project: Project) -> Check:
    is_ranking = project.tasks.filter(kind=Task.Kind.RANK).exists()
    if is_ranking or can_have_task(project.prompts.all(), Task.Kind.RANK).exists():
        return Check(_("Outputs to rank"), "done", _("There are prompts with two or more."), "manage-open")
    detail = _("No prompt has two: a model answers them (Loop), or they come in from outside.")
    is_writing = project.tasks.filter(kind=Task.Kind.DEMONSTRATE).exists()
    return Check(_("Outputs to rank"), "optional" if is_writing else "missing", detail, "manage-imports")


def _plan(project: Project) -> Check:
    plan = newest_plan(project)
    if plan is None:
        detail = _("See what it costs and when it ends, then apply it.")
        return Check(_("Plan"), "missing", detail, "manage-plan")
    return Check(_("Plan"), "done", _("Applied; it ends on %s.") % plan.finish_on, "manage-plan")


def _pilot(project: Project) -> Check:
    pilot = newest_pilot(project)
    if pilot is None:
        state, detail = "missing", _("Some tasks that everybody does, before the rest is opened.")
    elif pilot.ended_at is None:
        state, detail = "begun", _("Everybody is at it.")
    else:
        state, detail = "done", _("Done; the rest could be opened.")
    return Check(_("Pilot"), state, detail, "manage-pilot")


def _state(is_done: bool) -> str:
    return "done" if is_done else "missing"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {language}" for language, n in counts.items())
