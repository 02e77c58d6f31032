"""Keeping on record what managers do: one function, called in the transaction of what is done."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from labeling.models import AuditEvent, Project, PublicIdModel, User

# What is kept on record: key → how a person reads it. A new action adds its line here.
ACTIONS: dict[str, Promise] = {
    "project_created": _("project created"),
    "settings_changed": _("settings changed"),
    "project_paused": _("project paused"),
    "project_resumed": _("project resumed"),
    "queue_changed": _("handing out changed"),
    "guidelines_published": _("guidelines published"),
    "rubric_published": _("rubric published"),
    "faq_published": _("FAQ entry published"),
    "faq_changed": _("FAQ entry changed"),
    "faq_retired": _("FAQ entry retired"),
    "announcement_published": _("announcement published"),
    "announcement_changed": _("announcement changed"),
    "announcement_ended": _("announcement ended"),
    "person_added": _("person added"),
    "roles_given": _("roles given"),
    "group_set": _("group set"),
    "languages_set": _("languages set"),
    "qualified": _("person qualified"),
    "qualification_lifted": _("qualification lifted"),
    "person_suspended": _("person suspended"),
    "suspension_lifted": _("suspension lifted"),
    "invitation_made": _("invitation made"),
    "invitation_revoked": _("invitation revoked"),
    "invitation_accepted": _("invitation accepted"),
    "plan_applied": _("plan applied"),
    "pilot_started": _("pilot started"),
    "pilot_ended": _("pilot ended"),
    "opening_started": _("opening of tasks started"),
    "import_started": _("import started"),
    "export_started": _("export started"),
    "task_withdrawn": _("task withdrawn"),
    "task_reopened": _("task re-opened"),
    "seats_added": _("seats added"),
    "priority_set": _("priority set"),
    "set_made": _("set of tasks made"),
    "set_changed": _("set of tasks changed"),
    "put_into_set": _("tasks put into a set"),
    "answer_known": _("known answer set"),
    "prompt_marked": _("prompt marked"),
    "pay_basis_set": _("what is paid for changed"),
    "rate_set": _("rate set"),
    "period_opened": _("pay period opened"),
    "period_closed": _("pay period closed"),
    "period_removed": _("pay period removed"),
    "period_corrected": _("pay period corrected"),
    "bulk_started": _("change of many confirmed"),
    "bulk_finished": _("change of many done"),
    "bulk_stopped": _("change of many stopped"),
    "bulk_failed": _("change of many failed"),
    "site_paused": _("whole site paused"),
    "site_resumed": _("whole site resumed"),
    "token_made": _("API token made"),
    "token_revoked": _("API token revoked"),
}


def record(
    action: str,
    *,
    actor: User | None,
    project: Project | None = None,
    subject: PublicIdModel | None = None,
    data: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Keep that somebody (None: the system) did this, for good.

    action: one of ACTIONS. subject: the thing it was done to. data: a short summary out of plain values,
    with `change` for what was changed; never a password, a key or the text of a prompt.
    """
    if action not in ACTIONS:
        raise ValueError(f"{action} is not in ACTIONS")
    return AuditEvent.objects.create(
        project=project,
        actor=actor,
        action=action,
        object_type=subject._meta.model_name or "" if subject is not None else "",
        object_id=subject.public_id if subject is not None else None,
        data=dict(data or {}),
    )


def change(before: Any, after: Any) -> dict[str, Any]:
    """What something was, and what it is now."""
    return {"from": before, "to": after}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Name → change, of what differs."""
    return {name: change(before[name], value) for name, value in after.items() if before[name] != value}
