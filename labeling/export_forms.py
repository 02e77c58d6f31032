"""The form that starts an export."""

import datetime
import zoneinfo
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labeling import export_queries as queries
from labeling.actions.exports import FORMATS
from labeling.errors import DomainError
from labeling.exports import Filters
from labeling.models import Membership, Project, Prompt, Submission, Transfer

CONTENTS = [
    (Transfer.Content.PREFERENCE, _("Comparisons: prompt, chosen, rejected – for reward models, DPO")),
    (Transfer.Content.SFT, _("Demonstrations: prompt, completion – for supervised fine-tuning")),
    (Transfer.Content.PROMPTS, _("Prompts: prompt – for PPO, GRPO and sampling")),
    (Transfer.Content.RANKINGS, _("Rankings: one row per judgment, with everything known about it")),
]
LISTS = ("splits", "languages", "categories", "origins", "roles")


def _boxes(label: Any, choices: Any = ()) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=choices, required=False, widget=forms.CheckboxSelectMultiple
    )


def _day(label: Any) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}))


class ExportForm(forms.Form):
    content = forms.ChoiceField(label=_("What"), choices=CONTENTS, widget=forms.RadioSelect)
    format = forms.ChoiceField(
        label=_("Format"),
        choices=[(choice.value, choice.label) for choice in FORMATS],
        widget=forms.RadioSelect,
    )
    splits = _boxes(_("Splits"), Prompt.Split.choices)
    languages = _boxes(_("Languages"))
    categories = _boxes(_("Categories"), Prompt.Category.choices)
    since = _day(_("First day"))
    until = _day(_("Last day"))
    origins = _boxes(_("Judged by"), Submission.Origin.choices)
    roles = _boxes(_("Role of the annotator"), Membership.Role.choices)
    with_returned = forms.BooleanField(
        label=_("With what reviewers returned"),
        required=False,
        help_text=_("Else judgments that came back from review are left out until they are revised."),
    )
    round = forms.TypedChoiceField(label=_("Round"), required=False, coerce=int, empty_value=None)

    def __init__(self, data: Any = None, *, project: Project) -> None:
        super().__init__(data, initial={"content": "preference", "format": "jsonl"})
        self.project = project
        self.set_choices("languages", [(name, name) for name in queries.languages_of(project)])
        rounds = [(str(number), str(number)) for number in queries.rounds_of(project)]
        self.set_choices("round", [("", _("all")), *rounds])

    def set_choices(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    @property
    def of_prompts(self) -> list[forms.BoundField]:
        return [self[name] for name in ("splits", "languages", "categories", "since", "until")]

    @property
    def of_judgments(self) -> list[forms.BoundField]:
        return [self[name] for name in ("origins", "roles", "round", "with_returned")]

    @property
    def has_problem_in_filters(self) -> bool:
        return any(field.errors for field in (*self.of_prompts, *self.of_judgments))

    def wish(self) -> dict[str, Any]:
        """What to call start_export with."""
        cleaned = self.cleaned_data
        filters = Filters(
            **{name: tuple(cleaned[name]) for name in LISTS},
            since=self._midnight(cleaned["since"]),
            until=self._midnight(cleaned["until"], days=1),
            round=cleaned["round"],
            with_returned=cleaned["with_returned"],
        )
        return {"content": cleaned["content"], "format": cleaned["format"], "filters": filters}

    def _midnight(self, day: datetime.date | None, *, days: int = 0) -> datetime.datetime | None:
        """The beginning of this day, or of one later, where the project is."""
        if day is None or day.year > 9000:
            return None
        zone = zoneinfo.ZoneInfo(self.project.time_zone)
        return datetime.datetime.combine(day + datetime.timedelta(days=days), datetime.time(), zone)

    def add_domain_error(self, error: DomainError) -> None:
        for name, message in (error.fields or {"": error.message}).items():
            self.add_error(name if name in self.fields else None, message)
