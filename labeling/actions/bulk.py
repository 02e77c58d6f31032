"""Changing many tasks or prompts: confirmed once with the exact number; bulk_work.py carries it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.changes import CHANGES, Change
from labeling.actions.topics import checked_topics
from labeling.errors import Conflict, DomainError
from labeling.manager_queries import TaskFilter, tasks_found
from labeling.models import BulkChange, Project, User
from labeling.prompt_list_queries import PromptFilter, prompts_found


@dataclass(frozen=True)
class Counted:
    """What a selection holds now. concerned: rows that the change can change. below: above all keys."""

    total: int
    concerned: int
    below: int

    @property
    def rest(self) -> int:
        return self.total - self.concerned


def count_selection(*, project: Project, action: str, selection: Mapping[str, Any]) -> Counted:
    """What a change would be about. Refuses an action that is not there."""
    change = change_named(action)
    rows = selected(project, change, selection)
    facts = rows.aggregate(
        total=Count("pk"), concerned=Count("pk", filter=change.concerns), newest=Max("pk", default=0)
    )
    return Counted(facts["total"], facts["concerned"], facts["newest"] + 1)


@transaction.atomic
def start_bulk_change(
    *,
    project: Project,
    actor: User,
    action: str,
    selection: Mapping[str, Any],
    options: Mapping[str, Any],
    told: int,
) -> BulkChange:
    """Confirm a change of many; `continue_bulk_change` does it.

    told: how many rows the manager was told of. Refuses another number than that (Conflict), none at all,
    and options that are missing.
    """
    change = change_named(action)
    checked = _checked_options(change, options)
    counted = count_selection(project=project, action=action, selection=selection)
    if counted.total != told:
        message = _("It would be %(now)s by now, not %(told)s. Look again, and confirm if it is right.")
        raise Conflict("other_number", message % {"now": counted.total, "told": told})
    if not counted.total:
        raise DomainError("nothing_chosen", _("Nothing is chosen. Tick some, or widen the filter."))
    made = BulkChange.objects.create(
        project=project,
        actor=actor,
        target=change.target,
        action=action,
        options=checked,
        selection=dict(selection),
        below=counted.below,
        total=counted.total,
    )
    audit.record("bulk_started", actor=actor, project=project, subject=made, data=summary(made))
    return made


def change_named(action: str) -> Change:
    """Refuses an action that is not there."""
    if action not in CHANGES:
        raise DomainError("unknown_change", _("There is no such change; choose one of the list."))
    return CHANGES[action]


def selected(project: Project, change: Change, selection: Mapping[str, Any]) -> QuerySet[Any]:
    """The rows that are like this now."""
    is_tasks = change.target == BulkChange.Target.TASKS
    if "filter" in selection:
        asked = selection["filter"]
        return (
            tasks_found(project, TaskFilter(**asked))
            if is_tasks
            else prompts_found(project, PromptFilter(**asked))
        )
    rows: QuerySet[Any] = project.tasks.all() if is_tasks else project.prompts.all()
    return rows.filter(public_id__in=selection.get("ids", []))


def _checked_options(change: Change, options: Mapping[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    if "topics" in change.needs:
        checked["topics"] = checked_topics(options.get("topics") or [])
        if not checked["topics"]:
            message = _("Choose at least one topic.")
            raise DomainError("no_topics", message, {"topics": message})
    if "number" in change.needs:
        number = options.get("number")
        low, high = change.bounds
        if number is None or not low <= number <= high:
            message = _("Write a whole number from %(low)s to %(high)s.") % {"low": low, "high": high}
            raise DomainError("bad_number", message, {"number": message})
        checked["number"] = number
    return checked


def summary(made: BulkChange) -> dict[str, Any]:
    """What the audit log keeps of it."""
    of_filter = {name: value for name, value in made.selection.get("filter", {}).items() if value}
    data: dict[str, Any] = {"change": made.action, "of": made.target, "total": made.total, **made.options}
    if made.finished_at is not None:
        data |= {"done": made.done, "changed": made.changed}
    if made.error:
        data["error"] = made.error
    return data | ({"filter": of_filter} if "filter" in made.selection else {})
