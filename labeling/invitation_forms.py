"""What a manager says of an invitation, and what somebody says who signs up by one. The actions judge it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labeling.manager_forms import DomainForm
from labeling.models import Invitation, Membership, Project


class InviteForm(DomainForm):
    email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        help_text=_("The link is sent there. Empty: you get it, to hand over as you like."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=Membership.Role.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        initial=[str(Membership.Role.ANNOTATOR)],
    )
    group = forms.ChoiceField(
        label=_("Rankings"),
        choices=Membership.Group.choices,
        help_text=_("Those of people who are held out never train a reward model: they measure it."),
    )
    languages = forms.MultipleChoiceField(
        label=_("Languages"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("In which they are given tasks; without a tick, in every language."),
    )
    uses = forms.IntegerField(
        label=_("People"),
        initial=1,
        min_value=1,
        max_value=Invitation.MOST_USES,
        help_text=_("How many may come in by the link; by e-mail it is one."),
    )
    days = forms.IntegerField(
        label=_("Days"), initial=7, min_value=1, max_value=90, help_text=_("How long the link works.")
    )

    def __init__(self, data: Any = None, *, project: Project) -> None:
        super().__init__(data)
        languages = self.fields["languages"]
        assert isinstance(languages, forms.ChoiceField)
        languages.choices = [(code, code) for code in project.languages]
        if len(project.languages) == 1:
            del self.fields["languages"]


class SignUpForm(DomainForm):
    email = forms.EmailField(
        label=_("E-mail address"),
        help_text=_("You sign in with it."),
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        help_text=_("As managers and reviewers see it."),
        widget=forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least 10 characters."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("Password, once more"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, data: Any = None, *, invitation: Invitation) -> None:
        super().__init__(data)
        if invitation.email:
            del self.fields["email"]  # the invitation says it

    def clean(self) -> dict[str, Any]:
        sent = super().clean() or {}
        if "password" in sent and "again" in sent and sent["password"] != sent["again"]:
            self.add_error("again", _("The two passwords are not the same."))
        return sent

    def wish(self) -> dict[str, Any]:
        """What to call sign_up with."""
        sent = self.cleaned_data
        return {"email": sent.get("email", ""), "name": sent["name"], "password": sent["password"]}
