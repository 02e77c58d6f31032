"""A project begins: from a template, as a copy of another, and with a plan."""

import dataclasses
import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.faq import publish_faq_entry
from labeling.actions.people import add_member
from labeling.actions.project import change_project, create_project, publish_guidelines, settings_of
from labeling.actions.queue_settings import copy_queue
from labeling.actions.rates import copy_pay
from labeling.actions.rubrics import publish_rubric
from labeling.days import today_in
from labeling.errors import DomainError
from labeling.models import FaqEntry, Membership, Plan, Project, User
from labeling.plans import Workload, last_day
from labeling.project_templates import TEMPLATES
from labeling.rubric_queries import newest_rubric
from labeling.rubrics.presets import PRESETS
from labeling.rubrics.questions import Question, in_language
from labeling.suspension_queries import suspended_in

MOST_PROMPTS = 100_000_000
MOST_MINUTES = 24 * 60
MOST_PEOPLE = 10_000


@transaction.atomic
def create_project_from_template(*, template: str, creator: User, name: str, **settings: Any) -> Project:
    """A project with a template's settings, its guidelines in those of the languages it has, and its rubric.

    settings: of create_project, instead of the template's. Refuses what create_project refuses.
    """
    chosen = TEMPLATES.get(template)
    if chosen is None:
        raise DomainError("unknown_template", _("There is no such template; choose one of the list."))
    project = create_project(name=name, creator=creator, **dict(chosen.settings) | settings)
    for language in project.languages:
        if body := chosen.guidelines(language):
            publish_guidelines(project=project, language=language, body=body, author=creator)
    if chosen.rubric:
        questions = [_named_in(question, project.languages[0]) for question in PRESETS[chosen.rubric]]
        publish_rubric(project=project, questions=questions, author=creator)
    return project


@transaction.atomic
def copy_project(
    *,
    source: Project,
    creator: User,
    name: str,
    with_faq: bool = False,
    with_people: bool = False,
    **settings: Any,
) -> Project:
    """A project like another: its settings, what it pays, its newest guidelines and its newest rubric.

    Its FAQ and its people with their roles, groups, languages and rates come along when they are asked for;
    prompts, tasks and judgments never do, and pseudonyms are made by a new key, so that nobody is known again
    across exports. settings: of create_project, instead of the source's. Refuses what create_project refuses.
    """
    project = create_project(creator=creator, **settings_of(source) | settings | {"name": name})
    project = copy_queue(source=source, project=project, actor=creator)
    newest = source.guideline_versions.order_by("language", "-number").distinct("language")
    for version in newest.filter(language__in=project.languages):
        publish_guidelines(project=project, language=version.language, body=version.body, author=creator)
    rubric = newest_rubric(source)
    if rubric is not None and rubric.questions:
        questions = [_named_in(question, project.languages[0]) for question in rubric.asked]
        publish_rubric(project=project, questions=questions, author=creator)
    if with_faq:
        _copy_faq(source, project, creator)
    if with_people:
        _copy_people(source, project)
    copy_pay(source=source, project=project, author=creator)
    project.refresh_from_db()
    return project


@transaction.atomic
def apply_plan(*, project: Project, actor: User | None, workload: Workload, currency: str) -> Plan:
    """Work by this plan: its K, overlap and rate become the project's, for tasks opened from now on.

    The plan is kept, so that what is done can be held against it. Refuses what cannot be worked, naming each
    field.
    """
    finish_on = _checked_finish(workload, today_in(project).date)
    changed = {
        "completions_per_prompt": workload.completions_per_prompt,
        "overlap_share": workload.overlap_share,
        "overlap_people": workload.overlap_people,
        "hourly_rate": workload.hourly_rate,
        "currency": currency,
    }
    project = Project.objects.select_for_update().get(pk=project.pk)
    project = change_project(project=project, actor=actor, **settings_of(project) | changed)
    plan = Plan.objects.create(
        project=project,
        author=actor,
        currency=project.currency,
        finish_on=finish_on,
        **dataclasses.asdict(workload),
    )
    audit.record("plan_applied", actor=actor, project=project, subject=plan, data={"ends": str(finish_on)})
    return plan


def _checked_finish(workload: Workload, today: datetime.date) -> datetime.date:
    bounds: Mapping[str, tuple[float, float, float | Decimal]] = {
        "prompts": (1, MOST_PROMPTS, workload.prompts),
        "minutes": (0.1, MOST_MINUTES, workload.minutes),
        "people": (1, MOST_PEOPLE, workload.people),
        "hours_a_day": (0.1, 24, workload.hours_a_day),
    }
    fields = {
        name: _("Write a number from %(low)s to %(high)s.") % {"low": f"{low:g}", "high": f"{high:,}"}
        for name, (low, high, value) in bounds.items()
        if not low <= value <= high
    }
    if not fields and workload.shared_tasks and workload.people < workload.overlap_people:
        fields["people"] = _("Tasks for %s people need as many people at least.") % workload.overlap_people
    finish_on = None if fields else last_day(today, workload.working_days)
    if not fields and finish_on is None:
        fields["people"] = _("It would take more than a hundred years: plan with more people or less work.")
    if finish_on is None:
        raise DomainError("bad_plan", _("The plan was not applied."), fields)
    return finish_on


def _copy_faq(source: Project, project: Project, author: User) -> None:
    """Entries in force, in their order and the project's languages; not which question they came from."""
    entries = FaqEntry.objects.filter(project=source, retired_at=None, language__in=project.languages)
    for entry in entries.order_by("position"):
        publish_faq_entry(
            project=project,
            language=entry.language,
            question=entry.question,
            answer=entry.answer,
            author=author,
        )


def _copy_people(source: Project, project: Project) -> None:
    """Who can sign in and is a person. Whoever is suspended stays behind, and whoever works only in languages
    that the copy lacks."""
    members = source.memberships.filter(user__is_active=True, user__kind=User.Kind.HUMAN)
    for member in members.exclude(user__in=suspended_in(source)).select_related("user"):
        kept = [code for code in project.languages if code in member.languages]
        if member.languages and not kept:
            continue
        add_member(project=project, user=member.user, role=member.role)
        Membership.objects.filter(project=project, user=member.user).update(
            group=member.group, languages=kept
        )


def _named_in(question: Question, language: str) -> Question:
    """With a name in the project's first language, where it has none: what people read there anyway."""
    if question.name.get(language):
        return question
    named = {language: in_language(question.name, language)}
    options = tuple(
        option
        if option.name.get(language)
        else dataclasses.replace(option, name={**option.name, language: in_language(option.name, language)})
        for option in question.options
    )
    return dataclasses.replace(question, name={**question.name, **named}, options=options)
