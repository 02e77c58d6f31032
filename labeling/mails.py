"""Mails to one person: plain text, in the language they read."""

from collections.abc import Sequence

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from labeling.errors import DomainError


class MailFailed(DomainError):
    """The mail server did not take it."""

    status = 503


def send(address: str, *, subject: str, lines: Sequence[str]) -> None:
    """Refuses (MailFailed) when the server does not answer or does not want it."""
    try:
        send_mail(" ".join(subject.split()), "\n".join(lines), settings.DEFAULT_FROM_EMAIL, [address])
    except OSError as error:  # smtplib's errors are among them
        raise MailFailed(
            "mail_failed",
            _("The mail could not be sent. Try again in a few minutes, or ask whoever runs this site."),
        ) from error
