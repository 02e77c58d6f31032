"""Every table that a manager sees, as rows: the whole of what the page's filter finds, not one page of it.

A table's columns have names for programs, listed in docs/managers.md; they are not translated.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from labeling import overview_queries, question_queries
from labeling.agreement_queries import agreement_in
from labeling.audit_forms import AuditFilterForm
from labeling.audit_queries import actors_in, events_found
from labeling.cost import cost_of
from labeling.invitation_queries import every_invitation, state_of
from labeling.manager_forms import TaskFilterForm
from labeling.manager_queries import tasks_found
from labeling.models import Invitation, Project, Suspension, Thread
from labeling.overview_queries import Day, Stage
from labeling.people_queries import PersonWork, work_of_each
from labeling.pilot_queries import PersonInPilot, figures_of, newest_pilot
from labeling.prompt_list_forms import PromptFilterForm
from labeling.prompt_list_queries import prompts_found
from labeling.suspension_queries import suspensions_in
from labeling.task_set_queries import task_sets_of

ROWS_AT_ONCE = 1000  # fetched from the database's cursor


@dataclass(frozen=True)
class Table:
    """columns: name → value of a row. rows: for a project and what stands in the page's address."""

    columns: Mapping[str, Callable[[Any], Any]]
    rows: Callable[[Project, QueryDict], Iterable[Any]]

    def lines(self, project: Project, asked: QueryDict) -> Iterator[Sequence[Any]]:
        for row in self.rows(project, asked):
            yield [value(row) for value in self.columns.values()]


def _stages(project: Project, asked: QueryDict) -> Iterable[Stage]:
    return overview_queries.stages_of([project])[project.pk]


def _days(project: Project, asked: QueryDict) -> Iterable[tuple[Day, Any]]:
    for day in overview_queries.days_of([project])[project.pk]:
        yield day, cost_of(project, seconds=day.seconds, judgments=day.timed)


def _people(project: Project, asked: QueryDict) -> Iterable[PersonWork]:
    return work_of_each(project, agreement_in([project])[project.pk])


def _tasks(project: Project, asked: QueryDict) -> Iterable[Any]:
    found = tasks_found(project, TaskFilterForm(asked, project=project).asked())
    fields = ("public_id", "kind", "purpose", "status", "round", "priority", "seats_taken", "seats_wanted")
    of_prompt = ("public_id", "external_id", "language", "category", "split", "topics")
    names = [*fields, "created_at", *(f"prompt__{name}" for name in of_prompt)]
    return found.order_by("-pk").values(*names).iterator(chunk_size=ROWS_AT_ONCE)


def _prompts(project: Project, asked: QueryDict) -> Iterable[Any]:
    found = prompts_found(project, PromptFilterForm(asked, project=project).asked())
    return found.select_related("author").order_by("-pk").iterator(chunk_size=ROWS_AT_ONCE)


def _questions(project: Project, asked: QueryDict) -> Iterable[Thread]:
    return question_queries.all_threads(project).iterator(chunk_size=ROWS_AT_ONCE)


def _events(project: Project, asked: QueryDict) -> Iterable[Any]:
    form = AuditFilterForm(asked, people=list(actors_in(project)))
    return events_found(project, form.asked()).iterator(chunk_size=ROWS_AT_ONCE)


def _invitations(project: Project, asked: QueryDict) -> Iterable[Invitation]:
    return every_invitation(project).iterator(chunk_size=ROWS_AT_ONCE)


def _suspensions(project: Project, asked: QueryDict) -> Iterable[Suspension]:
    return suspensions_in(project)


def _sets(project: Project, asked: QueryDict) -> Iterable[Any]:
    return task_sets_of(project)


def _pilot(project: Project, asked: QueryDict) -> Iterable[PersonInPilot]:
    """Of the newest one."""
    pilot = newest_pilot(project)
    return figures_of(pilot).people if pilot else ()


def _named(*names: str, prefix: str = "") -> dict[str, Callable[[Any], Any]]:
    """Columns of a row that is a dict, under their own names."""

    def value_of(name: str) -> Callable[[Any], Any]:
        return lambda row: _joined(row[prefix + name])

    return {name: value_of(name) for name in names}


def _joined(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value


def _share(row: PersonWork, name: str) -> float | None:
    value = getattr(row.agreement, name) if row.agreement and row.agreement.pairs else None
    return None if value is None else round(value, 4)


TABLES: Mapping[str, Table] = {
    "progress": Table(
        {
            "language": lambda stage: stage.language,
            "category": lambda stage: stage.category,
            "prompts": lambda stage: stage.prompts,
            "demonstrations_open": lambda stage: stage.demonstrate.open,
            "demonstrations_complete": lambda stage: stage.demonstrate.complete,
            "rankings_open": lambda stage: stage.rank.open,
            "rankings_complete": lambda stage: stage.rank.complete,
            "judgments_wanted": lambda stage: stage.left,
        },
        _stages,
    ),
    "days": Table(
        {
            "day": lambda row: row[0].date.isoformat(),
            "ranked": lambda row: row[0].ranked,
            "written": lambda row: row[0].written,
            "active_hours": lambda row: round(row[0].hours, 3),
            "judgments_timed": lambda row: row[0].timed,
            "cost": lambda row: row[1] and row[1].total,
            "currency": lambda row: row[1] and row[1].currency,
        },
        _days,
    ),
    "people": Table(
        {
            "name": lambda row: row.user.name,
            "email": lambda row: row.user.email,
            "in_project": lambda row: row.is_member,
            "ranked": lambda row: row.ranked,
            "written": lambda row: row.written,
            "active_hours": lambda row: round(row.hours, 3),
            "median_seconds_ranking": lambda row: row.ranking_pace and round(row.ranking_pace.seconds, 1),
            "median_seconds_writing": lambda row: row.writing_pace and round(row.writing_pace.seconds, 1),
            "accepted": lambda row: row.accepted,
            "returned": lambda row: row.returned,
            "agreement": lambda row: _share(row, "share"),
            "agreement_low": lambda row: _share(row, "low"),
            "agreement_high": lambda row: _share(row, "high"),
            "agreement_pairs": lambda row: row.agreement.pairs if row.agreement else 0,
            "last_day": lambda row: row.last_day and row.last_day.isoformat(),
            "last_sign_in": lambda row: row.user.last_login,
        },
        _people,
    ),
    "tasks": Table(
        {
            "task": lambda row: row["public_id"],
            **_named("kind", "purpose", "status", "round", "priority", "seats_taken", "seats_wanted"),
            "opened": lambda row: row["created_at"],
            "prompt": lambda row: row["prompt__public_id"],
            **_named("external_id", "language", "category", "split", "topics", prefix="prompt__"),
        },
        _tasks,
    ),
    "prompts": Table(
        {
            "prompt": lambda prompt: prompt.public_id,
            "text": lambda prompt: prompt.messages[-1]["content"],
            "turns": lambda prompt: len(prompt.messages),
            "author": lambda prompt: str(prompt.author),
            "source": lambda prompt: prompt.source,
            "category": lambda prompt: prompt.category,
            "language": lambda prompt: prompt.language,
            "split": lambda prompt: prompt.split,
            "topics": lambda prompt: _joined(prompt.topics),
            "external_id": lambda prompt: prompt.external_id,
            "metadata": lambda prompt: json.dumps(prompt.metadata, ensure_ascii=False),
            "added": lambda prompt: prompt.created_at,
        },
        _prompts,
    ),
    "questions": Table(
        {
            "thread": lambda thread: thread.public_id,
            "person": lambda thread: str(thread.assignment.user),
            "task": lambda thread: thread.assignment.task.public_id,
            "question": lambda thread: thread.messages.all()[0].body,
            "messages": lambda thread: len(thread.messages.all()),
            "asked": lambda thread: thread.messages.all()[0].created_at,
            "closed": lambda thread: thread.closed_at,
            "closed_by": lambda thread: thread.closed_by and str(thread.closed_by),
        },
        _questions,
    ),
    "invitations": Table(
        {
            "made": lambda row: row.created_at,
            "made_by": lambda row: str(row.created_by),
            "email": lambda row: row.email,
            "roles": lambda row: _joined(row.roles),
            "group": lambda row: row.group,
            "languages": lambda row: _joined(row.languages),
            "state": lambda row: str(state_of(row).value),
            "expires": lambda row: row.expires_at,
            "uses_left": lambda row: row.uses_left,
            "came_in": lambda row: ", ".join(str(one.user) for one in row.acceptances.all()),
        },
        _invitations,
    ),
    "suspensions": Table(
        {
            "name": lambda row: row.user.name,
            "email": lambda row: row.user.email,
            "since": lambda row: row.created_at,
            "suspended_by": lambda row: str(row.suspended_by),
            "reason": lambda row: row.reason,
            "sets_aside": lambda row: row.sets_aside,
            "lifted": lambda row: row.lifted_at,
            "lifted_by": lambda row: row.lifted_by and str(row.lifted_by),
        },
        _suspensions,
    ),
    "sets": Table(
        {
            "set": lambda row: row.name,
            "group": lambda row: row.group,
            "people": lambda row: ", ".join(str(person) for person in row.people.all()),
            "tasks_left": lambda row: row.open_tasks,
            "tasks": lambda row: row.all_tasks,
        },
        _sets,
    ),
    "pilot": Table(
        {
            "name": lambda row: row.user.name,
            "email": lambda row: row.user.email,
            "wanted": lambda row: row.wanted,
            "submitted": lambda row: row.submitted,
            "skipped": lambda row: row.skipped,
            "median_minutes": lambda row: row.minutes and round(row.minutes, 2),
        },
        _pilot,
    ),
    "audit": Table(
        {
            "at": lambda event: event.created_at,
            "person": lambda event: event.actor and str(event.actor),
            "email": lambda event: event.actor and event.actor.email,
            "action": lambda event: event.action,
            "object_type": lambda event: event.object_type,
            "object": lambda event: event.object_id,
            "data": lambda event: json.dumps(event.data, ensure_ascii=False),
        },
        _events,
    ),
}
