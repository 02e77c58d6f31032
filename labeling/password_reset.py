"""Forgotten passwords: whom a link is made for, where it leads, and the mails around it.

The pages and the tokens are allauth's. Whether there is an account shows in the mail alone, never on a page.
"""

from allauth.account.forms import ResetPasswordForm, default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from labeling import mails
from labeling.models import User


class PeoplesResetForm(ResetPasswordForm):
    """A password is a person's: nobody signs in as the author of imported texts or as a machine."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        self.users: list[User] = [user for user in self.users if user.kind == User.Kind.HUMAN]
        return email


def path_for(user: User) -> str:
    """The address at which this person chooses a new password; for once, and for three days."""
    return _path(user_pk_to_url_str(user), default_token_generator.make_token(user))


def link_with(key: str) -> str:
    """By the address that the site has, whatever host name the request came with. key: allauth's, in one."""
    user, _dash, token = key.partition("-")
    return settings.SITE_URL + _path(user, token)


def send_link(user: User, email: str, link: str) -> None:
    with translation.override(user.language or translation.get_language()):
        lines = [
            _("Somebody, you we hope, asked for a new password. Open this link to choose one:"),
            link,
            "",
            _("It works once, for three days. If it was not you, leave it alone: your password stays."),
        ]
        mails.send(email, subject=_("Preceptor: choose a new password"), lines=lines)


def send_that_there_is_no_account(email: str) -> None:
    """As quick as the mail with a link, so that neither the page nor its time tells who has an account."""
    lines = [
        _("Somebody, you we hope, asked for a new password for this address."),
        _("No one can sign in with it at %s. Ask whoever invited you for an invitation.") % settings.SITE_URL,
    ]
    mails.send(email, subject=_("Preceptor: no account with this address"), lines=lines)


def _path(user: str, token: str) -> str:
    return reverse("account_reset_password_from_key", kwargs={"uidb36": user, "key": token})
