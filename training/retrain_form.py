"""The form of a retrain rule."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labeling.errors import DomainError
from labeling.models import Project
from training.models import RetrainRule, Run

FIELDS = ("is_enabled", "after_rankings", "every_days", "reward_model_like", "ppo_like")


class RetrainRuleForm(forms.Form):
    is_enabled = forms.BooleanField(label=_("Retrain by itself"), required=False)
    after_rankings = forms.IntegerField(
        label=_("After so many new rankings"), required=False, min_value=1, max_value=10_000_000
    )
    every_days = forms.IntegerField(label=_("Every so many days"), required=False, min_value=1, max_value=365)
    reward_model_like = forms.ModelChoiceField(
        Run.objects.none(),
        label=_("Reward model with the settings of"),
        required=False,
        empty_label=_("the defaults"),
        to_field_name="public_id",
    )
    ppo_like = forms.ModelChoiceField(
        Run.objects.none(),
        label=_("PPO with the settings of"),
        required=False,
        empty_label=_("the defaults"),
        to_field_name="public_id",
    )

    def __init__(self, data: Any = None, *, project: Project, rule: RetrainRule | None) -> None:
        initial = {name: getattr(rule, name) for name in FIELDS} if rule else {}
        for name in ("reward_model_like", "ppo_like"):
            initial[name] = initial[name].public_id if initial.get(name) else None
        super().__init__(data, initial=initial)
        for name in ("reward_model_like", "ppo_like"):
            runs = Run.objects.filter(project=project, kind=name.removesuffix("_like"))
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = runs.order_by("-pk")

    def add_domain_error(self, error: DomainError) -> None:
        for name, message in (error.fields or {"": error.message}).items():
            self.add_error(name if name in self.fields else None, message)
