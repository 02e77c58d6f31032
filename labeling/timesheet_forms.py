"""Managers' forms of hours and rates: what is sent, in the actions' terms. The actions judge it."""

import datetime
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labeling.manager_forms import DomainForm
from labeling.models import Project, User


class DayInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class PeriodForm(DomainForm):
    begin = forms.DateField(label=_("First day"), widget=DayInput)
    end = forms.DateField(label=_("Last day"), widget=DayInput)


class PaidByForm(forms.Form):
    paid_by = forms.ChoiceField(label=_("Work is paid"), choices=Project.PaidBy.choices)


class PersonForm(DomainForm):
    """A form about somebody of these people."""

    person = forms.ChoiceField(label=_("Person"))

    def __init__(self, data: Any, *, people: Iterable[User], initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.people = {str(user.public_id): user for user in people}
        field = self.fields["person"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [*self.nobody(), *((key, str(user)) for key, user in self.people.items())]

    def nobody(self) -> list[tuple[str, Any]]:
        return []

    def wish(self) -> dict[str, Any]:
        """What to call the action with."""
        sent = dict(self.cleaned_data)
        return sent | {"user": self.people.get(sent.pop("person"))}


class RateForm(PersonForm):
    amount = forms.DecimalField(label=_("Rate"), min_value=0, max_digits=12, decimal_places=4)
    currency = forms.CharField(
        label=_("Currency"), min_length=3, max_length=3, help_text=_("Its code, such as EUR, USD or CNY.")
    )
    valid_from = forms.DateField(label=_("From this day on"), widget=DayInput)

    def __init__(self, data: Any, *, people: Iterable[User], initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, people=people, initial=initial)
        self.fields["person"].required = False

    def nobody(self) -> list[tuple[str, Any]]:
        return [("", _("whoever has no rate of their own"))]


class CorrectionForm(PersonForm):
    minutes = forms.IntegerField(label=_("Minutes"), initial=0, help_text=_("Negative to take some off."))
    tasks = forms.IntegerField(label=_("Tasks"), initial=0)
    accepted = forms.IntegerField(label=_("Accepted"), initial=0)
    amount = forms.DecimalField(
        label=_("Amount"),
        required=False,
        max_digits=12,
        decimal_places=2,
        help_text=_("Empty: what that comes to at their rate."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
        max_length=2000,
        help_text=_("They read it beside the line."),
    )


def suggested_rate(project: Project, today: datetime.date) -> dict[str, Any]:
    """What the form begins with: the currency that was used last."""
    newest = project.rates.order_by("-pk").first()
    planned = str(getattr(project, "currency", ""))
    return {"currency": newest.currency if newest else planned, "valid_from": today}
