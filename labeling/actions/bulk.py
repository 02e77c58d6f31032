"""Changing many tasks or prompts: confirmed once with the exact number, then done batch by batch."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.changes import CHANGES, Change
from labeling.actions.many import lock_prompts_of
from labeling.actions.topics import checked_topics
from labeling.errors import Conflict, DomainError
from labeling.manager_queries import TaskFilter, tasks_found
from labeling.models import BulkChange, Project, User
from labeling.prompt_list_queries import PromptFilter, prompts_found

BATCH = 500
SECONDS = 1.0  # that one request works on it


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
    change = _change_named(action)
    rows = _selected(project, change, selection)
    facts = rows.aggregate(newest=Max("pk"))
    return Counted(rows.count(), rows.filter(change.concerns).count(), (facts["newest"] or 0) + 1)


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
    change = _change_named(action)
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
    audit.record("bulk_started", actor=actor, project=project, subject=made, data=_summary(made))
    return made


def continue_bulk_change(*, change: BulkChange, seconds: float | None = None) -> BulkChange:
    """Go on for about so long (None: SECONDS), a transaction a batch; over when `finished_at` is set.

    Two who go on at once take turns: no row is changed twice.
    """
    until = time.monotonic() + (SECONDS if seconds is None else seconds)
    change = _next_batch(change.pk)
    while change.finished_at is None and time.monotonic() < until:
        change = _next_batch(change.pk)
    return change


@transaction.atomic
def _next_batch(pk: int) -> BulkChange:
    made = BulkChange.objects.select_for_update(of=("self",)).select_related("project", "actor").get(pk=pk)
    if made.finished_at is not None:
        return made
    change = _change_named(made.action)
    chosen = _selected(made.project, change, made.selection).filter(pk__lt=made.below)
    keys = list(chosen.order_by("-pk").values_list("pk", flat=True)[:BATCH])
    if change.marks_prompts_of_tasks:
        lock_prompts_of(keys)
    rows = chosen.model.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
    made.changed += change.apply(list(rows), made.actor, made.options) if keys else 0
    made.done += len(keys)
    made.below = keys[-1] if keys else made.below
    made.save(update_fields=["changed", "done", "below"])
    if len(keys) < BATCH:
        BulkChange.objects.filter(pk=pk).update(finished_at=Now())
        made.refresh_from_db(fields=["finished_at"])
        audit.record(
            "bulk_finished", actor=made.actor, project=made.project, subject=made, data=_summary(made)
        )
    return made


def _change_named(action: str) -> Change:
    if action not in CHANGES:
        raise DomainError("unknown_change", _("There is no such change; choose one of the list."))
    return CHANGES[action]


def _selected(project: Project, change: Change, selection: Mapping[str, Any]) -> QuerySet[Any]:
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


def _summary(made: BulkChange) -> dict[str, Any]:
    of_filter = {name: value for name, value in made.selection.get("filter", {}).items() if value}
    data: dict[str, Any] = {"change": made.action, "of": made.target, "total": made.total, **made.options}
    if made.finished_at is not None:
        data["changed"] = made.changed
    return data | ({"filter": of_filter} if "filter" in made.selection else {})
