"""The filter of the audit log, as it stands in the address."""

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from labeling.actions.audit import ACTIONS
from labeling.audit_queries import AuditFilter
from labeling.days import FIRST_DAY, LAST_DAY
from labeling.models import User


class DayField(forms.DateField):
    """A day that may be meant, or none."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            required=False,
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)],
            **settings,
        )


class AuditFilterForm(forms.Form):
    """What stands in the address; anything that may not be asked is left out."""

    person = forms.ChoiceField(label=_("Person"), required=False)
    # Not "action": a form with such a field has no address of its own for scripts any more.
    did = forms.ChoiceField(
        label=_("Action"), required=False, choices=lambda: [("", _("any")), *ACTIONS.items()]
    )
    since = DayField(label=_("First day"))
    until = DayField(label=_("Last day"))
    after = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, people: list[User]) -> None:
        super().__init__(data)
        field = self.fields["person"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("anybody")), *((str(user.public_id), str(user)) for user in people)]

    def asked(self) -> AuditFilter:
        self.full_clean()
        sent = self.cleaned_data
        return AuditFilter(
            person=sent.get("person") or "",
            action=sent.get("did") or "",
            since=sent.get("since"),
            until=sent.get("until"),
        )

    @property
    def is_narrowed(self) -> bool:
        return self.asked() != AuditFilter()
