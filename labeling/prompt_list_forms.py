"""The filter of the list of prompts, as it stands in the address."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labeling.models import Project, Prompt, Topic
from labeling.prompt_list_queries import PromptFilter

CHOSEN = ("language", "category", "split", "source", "topic", "has")


class PromptFilterForm(forms.Form):
    """What stands in the address; anything that may not be asked is left out."""

    q = forms.CharField(label=_("Search"), required=False, max_length=200)
    language = forms.ChoiceField(label=_("Language"), required=False)
    category = forms.ChoiceField(label=_("Category"), required=False)
    split = forms.ChoiceField(label=_("Split"), required=False)
    source = forms.ChoiceField(label=_("Source"), required=False)
    topic = forms.ChoiceField(label=_("Sensitive topics"), required=False)
    has = forms.ChoiceField(label=_("Has"), required=False)
    after = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, project: Project) -> None:
        super().__init__(data)
        choices: dict[str, Any] = {
            "language": [(code, code) for code in project.languages],
            "category": Prompt.Category.choices,
            "split": Prompt.Split.choices,
            "source": Prompt.Source.choices,
            "topic": Topic.choices,
            "has": [
                ("tasks", _("tasks")),
                ("no_tasks", _("no tasks")),
                ("outputs", _("outputs")),
                ("no_outputs", _("no outputs")),
            ],
        }
        for name, values in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", _("any")), *values]

    def asked(self) -> PromptFilter:
        self.full_clean()
        sent = self.cleaned_data
        return PromptFilter(text=sent.get("q") or "", **{name: sent.get(name) or "" for name in CHOSEN})

    @property
    def is_narrowed(self) -> bool:
        return self.asked() != PromptFilter()
