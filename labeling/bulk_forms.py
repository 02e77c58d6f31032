"""What a manager chose for a change of many, as the address and the confirmation carry it."""

import uuid
from dataclasses import asdict
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from labeling.actions.changes import Change
from labeling.manager_forms import DomainForm, TaskFilterForm
from labeling.models import BulkChange, Project, Topic
from labeling.prompt_list_forms import PromptFilterForm

ALL = "all"  # the scope of whatever the filter finds; else the ticked ones


def selection_of(project: Project, target: str, sent: QueryDict) -> dict[str, Any]:
    """The ticked rows, or the list's filter as its address has it; what may not be asked is left out."""
    if sent.get("scope") != ALL:
        return {"ids": [str(key) for key in map(_uuid, sent.getlist("row")) if key]}
    asked = QueryDict(sent.get("filter", ""))
    if target == BulkChange.Target.TASKS:
        return {"filter": asdict(TaskFilterForm(asked, project=project).asked())}
    return {"filter": asdict(PromptFilterForm(asked, project=project).asked())}


class BulkOptionsForm(DomainForm):
    """What a change wants to know besides the rows."""

    topics = forms.MultipleChoiceField(
        label=_("Sensitive topics"),
        choices=Topic.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    number = forms.IntegerField(label=_("Number"), required=False)

    def __init__(self, data: Any, *, change: Change) -> None:
        super().__init__(data)
        for name in set(self.fields) - set(change.needs):
            del self.fields[name]


def _uuid(sent: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(sent)
    except ValueError:
        return None
