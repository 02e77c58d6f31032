"""Managers' forms: what is sent, in the actions' terms. The actions judge it."""

import re
import zoneinfo
from functools import cache
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labeling.errors import DomainError
from labeling.manager_queries import TaskFilter
from labeling.models import FaqEntry, Membership, Project, Prompt, Task, Topic


class DomainForm(forms.Form):
    """A form that shows an action's refusal beside its fields."""

    def add_domain_error(self, error: DomainError) -> None:
        for name, message in (error.fields or {"": error.message}).items():
            self.add_error(name if name in self.fields else None, message)


@cache
def time_zones() -> list[tuple[str, str]]:
    """Read once: to look for them goes through hundreds of files."""
    return [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())]


class ProjectForm(DomainForm):
    name = forms.CharField(label=_("Name"), max_length=120)
    languages = forms.CharField(
        label=_("Languages"),
        help_text=_(
            "Codes separated by commas, such as en, zh. The first is the usual one of imported prompts."
        ),
    )
    completions_per_prompt = forms.IntegerField(
        label=_("Outputs per prompt (K)"),
        min_value=2,
        max_value=9,
        help_text=_("How many outputs are ranked together, 2 to 9. Holds for what is sampled from now on."),
    )
    overlap_share = forms.FloatField(
        label=_("Judged by several people (%)"),
        min_value=0,
        max_value=100,
        widget=forms.NumberInput(attrs={"step": "any"}),
        help_text=_(
            "This share of the ranking tasks goes to several people: it measures how far they agree."
        ),
    )
    overlap_people = forms.IntegerField(
        label=_("People for each of those"),
        min_value=1,
        max_value=20,
        help_text=_("All other tasks go to one."),
    )
    criteria = forms.ChoiceField(
        label=_("What weighs most"),
        choices=Project.Criteria.choices,
        initial=Project.Criteria.TRAINING,
        help_text=_("Annotators read it, with its rule of thumb, above the outputs."),
    )
    model_names = forms.CharField(
        label=_("Names that give a model away"),
        required=False,
        help_text=_(
            "Separated by commas. An output that says one is flagged, and so is one that calls itself a "
            "well-known model; models you promote add theirs. Holds for outputs that come in from now on."
        ),
    )
    daily_cap = forms.IntegerField(
        label=_("Submissions per person and day"),
        required=False,
        min_value=1,
        max_value=10_000,
        help_text=_("After that, nothing is handed out until the next day. Empty: as many as they like."),
    )
    hourly_rate = forms.DecimalField(
        label=_("Hourly rate"),
        required=False,
        min_value=0,
        max_digits=8,
        decimal_places=2,
        help_text=_("What an hour of work costs, unless somebody is paid otherwise."),
    )
    currency = forms.CharField(
        label=_("Currency"), required=False, max_length=3, help_text=_("Three letters, such as EUR.")
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=time_zones, help_text=_("Decides when a day begins.")
    )

    @classmethod
    def of(cls, project: Project, data: Any = None) -> "ProjectForm":
        initial = {
            "name": project.name,
            "languages": ", ".join(project.languages),
            "completions_per_prompt": project.completions_per_prompt,
            "overlap_share": f"{100 * project.overlap_share:g}",
            "overlap_people": project.overlap_people,
            "criteria": project.criteria,
            "model_names": ", ".join(project.model_names),
            "daily_cap": project.daily_cap,
            "hourly_rate": project.hourly_rate,
            "currency": project.currency,
            "time_zone": project.time_zone,
        }
        return cls(data, initial=initial)

    def wish(self) -> dict[str, Any]:
        """What to call create_project or change_project with."""
        sent = self.cleaned_data
        codes = [code.lower() for code in re.split(r"[\s,;，、]+", sent["languages"]) if code]
        names = [name.strip() for name in re.split(r"[,;，、\n]+", sent["model_names"]) if name.strip()]
        return sent | {
            "overlap_share": sent["overlap_share"] / 100,
            "languages": list(dict.fromkeys(codes)),
            "model_names": list(dict.fromkeys(names)),
            "currency": sent["currency"].upper() or self.initial.get("currency", "USD"),
        }


class RolesForm(forms.Form):
    roles = forms.MultipleChoiceField(choices=Membership.Role.choices, required=False)
    group = forms.ChoiceField(choices=Membership.Group.choices, required=False)
    languages = forms.MultipleChoiceField(required=False)

    def __init__(self, data: Any, *, project: Project) -> None:
        super().__init__(data)
        field = self.fields["languages"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(code, code) for code in project.languages]


class MarksForm(forms.Form):
    """Which sensitive topics a task's prompt is about, and which of its outputs are sensitive."""

    topics = forms.MultipleChoiceField(choices=Topic.choices, required=False)
    outputs = forms.TypedMultipleChoiceField(
        choices=[(slot, slot) for slot in range(1, 10)], coerce=int, required=False
    )


class TaskFilterForm(forms.Form):
    """What stands in the address of the task list; anything that may not be asked is left out."""

    q = forms.CharField(label=_("Search"), required=False, max_length=200)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    status = forms.ChoiceField(label=_("State"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)
    category = forms.ChoiceField(label=_("Category"), required=False)
    flag = forms.ChoiceField(
        label=_("Outputs"),
        required=False,
        choices=[
            ("", _("any")),
            ("names_model", _("one names its model")),
            ("given_back", _("let run out often")),
        ],
    )
    after = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, project: Project) -> None:
        super().__init__(data)
        anything = [("", _("any"))]
        choices: dict[str, Any] = {
            "kind": Task.Kind.choices,
            "status": Task.Status.choices,
            "language": [(code, code) for code in project.languages],
            "category": Prompt.Category.choices,
        }
        for name, values in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = anything + values

    def asked(self) -> TaskFilter:
        self.full_clean()
        sent = self.cleaned_data
        fields = {name: sent.get(name) or "" for name in ("kind", "status", "language", "category", "flag")}
        return TaskFilter(text=sent.get("q") or "", **fields)

    @property
    def is_narrowed(self) -> bool:
        return self.asked() != TaskFilter()


class FaqForm(DomainForm):
    """A question and its answer for everybody, in one of the project's languages."""

    language = forms.ChoiceField(label=_("Language"))
    question = forms.CharField(label=_("Question"), widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}))
    answer = forms.CharField(
        label=_("Answer"),
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
        help_text=_(
            "Markdown works. Who asked is not said: leave out what only one person could have written."
        ),
    )

    def __init__(self, data: Any, *, project: Project, initial: dict[str, str] | None = None) -> None:
        super().__init__(data, initial=initial, auto_id="faq-%s")
        language = self.fields["language"]
        assert isinstance(language, forms.ChoiceField)
        language.choices = [(code, code) for code in project.languages]

    @classmethod
    def of(cls, entry: FaqEntry, data: Any = None) -> "FaqForm":
        initial = {name: getattr(entry, name) for name in ("language", "question", "answer")}
        return cls(data, project=entry.project, initial=initial)
