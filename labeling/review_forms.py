"""Reviewers' forms: which submissions a list shows."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labeling.models import Submission, Task, User
from labeling.review_queries import ReviewFilter

ANY = "any"


class ReviewFilterForm(forms.Form):
    """What stands in the address; anything that may not be asked is left out. Usually: what waits."""

    state = forms.ChoiceField(
        label=_("Review"),
        choices=[*Submission.ReviewState.choices, (ANY, _("any"))],
        required=False,
        initial=Submission.ReviewState.NOT_REVIEWED,
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=[("", _("any")), *Task.Kind.choices], required=False)
    person = forms.ChoiceField(label=_("Person"), required=False)
    after = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, people: list[User]) -> None:
        super().__init__(data)
        self.people = {str(user.public_id): user for user in people}
        field = self.fields["person"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("anybody")), *self.people.items()]

    def asked(self) -> ReviewFilter:
        self.full_clean()
        sent = self.cleaned_data
        state = sent.get("state") or Submission.ReviewState.NOT_REVIEWED
        return ReviewFilter(
            state="" if state == ANY else state,
            kind=sent.get("kind") or "",
            person=self.people.get(sent.get("person") or ""),
        )

    @property
    def is_narrowed(self) -> bool:
        return self.asked() != ReviewFilter()
