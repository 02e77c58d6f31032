"""The form that says for which prompts tasks are opened."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labeling.actions.opening import HIGHEST_PRIORITY, LAST_ROUND
from labeling.manager_forms import DomainForm
from labeling.models import Project, Prompt, Task
from labeling.selections import Selection


class OpeningForm(DomainForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=Task.Kind.choices)
    language = forms.ChoiceField(label=_("Language"), required=False)
    category = forms.ChoiceField(label=_("Category"), required=False)
    split = forms.ChoiceField(label=_("Split"), required=False, initial=str(Prompt.Split.TRAIN))
    most = forms.IntegerField(
        label=_("How many"), required=False, min_value=1, help_text=_("Empty: for all of them.")
    )
    round = forms.IntegerField(label=_("Round"), min_value=1, max_value=LAST_ROUND, initial=1)
    priority = forms.IntegerField(
        label=_("Priority"),
        min_value=-HIGHEST_PRIORITY,
        max_value=HIGHEST_PRIORITY,
        initial=0,
        help_text=_("Higher ones are handed out first."),
    )
    without_task = forms.BooleanField(
        label=_("Only prompts that have had no task of this kind in any round"), required=False, initial=True
    )

    def __init__(self, data: Any, *, project: Project) -> None:
        super().__init__(data)
        anything = [("", _("any"))]
        choices: dict[str, Any] = {
            "language": [(code, code) for code in project.languages],
            "category": Prompt.Category.choices,
            "split": Prompt.Split.choices,
        }
        for name, values in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = anything + values

    @property
    def shown_in_grid(self) -> list[forms.BoundField]:
        return [field for field in self if field.name != "without_task"]

    def wish(self) -> dict[str, Any]:
        """What to call start_opening with."""
        sent = self.cleaned_data
        selection = Selection(
            kind=sent["kind"],
            round=sent["round"],
            language=sent["language"],
            category=sent["category"],
            splits=(sent["split"],) if sent["split"] else (),
            without_task=sent["without_task"],
        )
        return {"selection": selection, "priority": sent["priority"], "most": sent["most"]}
