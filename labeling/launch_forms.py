"""Forms with which a project begins: copying, planning, the pilot."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labeling.actions.launch import MOST_MINUTES, MOST_PEOPLE, MOST_PROMPTS
from labeling.actions.pilots import LARGEST, USUAL_SIZE
from labeling.launch_queries import Usual
from labeling.manager_forms import DomainForm
from labeling.models import Project, Task
from labeling.plans import Workload, usual_minutes


class CopyForm(forms.Form):
    """What comes along from the project that is copied, besides settings, guidelines and rubric."""

    with_faq = forms.BooleanField(label=_("Its FAQ"), required=False)
    with_people = forms.BooleanField(
        label=_("Its people, with their roles, groups, languages and rates"), required=False
    )


class PlanForm(DomainForm):
    """What is planned. Minutes that are left out are those measured here, or the usual ones."""

    prompts = forms.IntegerField(label=_("Prompts"), min_value=1, max_value=MOST_PROMPTS)
    completions_per_prompt = forms.IntegerField(label=_("Outputs per prompt (K)"), min_value=2, max_value=9)
    minutes = forms.FloatField(
        label=_("Minutes for one judgment"),
        min_value=0.1,
        max_value=MOST_MINUTES,
        required=False,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    overlap_share = forms.FloatField(
        label=_("Judged by several people (%)"),
        min_value=0,
        max_value=100,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    overlap_people = forms.IntegerField(label=_("People for each of those"), min_value=1, max_value=20)
    people = forms.IntegerField(label=_("People at work"), min_value=1, max_value=MOST_PEOPLE)
    hours_a_day = forms.FloatField(
        label=_("Hours a day, each"),
        min_value=0.1,
        max_value=24,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    hourly_rate = forms.DecimalField(
        label=_("Hourly rate"), min_value=0, max_digits=8, decimal_places=2, required=False
    )
    currency = forms.CharField(label=_("Currency"), max_length=3, required=False)

    def __init__(self, data: Any, *, project: Project, usual: Usual) -> None:
        self.project, self.usual = project, usual
        workload = usual.workload
        initial = {
            "prompts": workload.prompts,
            "completions_per_prompt": workload.completions_per_prompt,
            "minutes": f"{workload.minutes:.3g}",
            "overlap_share": f"{100 * workload.overlap_share:g}",
            "overlap_people": workload.overlap_people,
            "people": workload.people,
            "hours_a_day": f"{workload.hours_a_day:g}",
            "hourly_rate": workload.hourly_rate,
            "currency": project.currency,
        }
        super().__init__(data, initial=initial)

    def workload(self) -> Workload:
        """As it was sent; as the project has it, when nothing was."""
        if not self.is_bound:
            return self.usual.workload
        sent = self.cleaned_data
        k = sent["completions_per_prompt"]
        return Workload(
            prompts=sent["prompts"],
            completions_per_prompt=k,
            overlap_share=sent["overlap_share"] / 100,
            overlap_people=sent["overlap_people"],
            minutes=sent["minutes"] or self.usual.measured or usual_minutes(k),
            people=sent["people"],
            hours_a_day=sent["hours_a_day"],
            hourly_rate=sent["hourly_rate"],
        )

    def chosen_currency(self) -> str:
        sent = self.cleaned_data.get("currency", "") if self.is_bound and self.is_valid() else ""
        return sent.upper() or self.project.currency


class PilotForm(DomainForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=Task.Kind.choices)
    size = forms.IntegerField(
        label=_("Tasks"),
        min_value=1,
        max_value=LARGEST,
        initial=USUAL_SIZE,
        help_text=_("Drawn by chance, each language in proportion. Everybody does all in their languages."),
    )
