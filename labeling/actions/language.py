"""The language a person reads the site in."""

from django.conf import settings
from django.utils.translation import gettext as _

from labeling.errors import DomainError
from labeling.models import User


def choose_language(*, user: User, language: str) -> None:
    """Remember the language on the account, so that every device shows it. Refuses one the site has not."""
    check_language(language)
    User.objects.filter(pk=user.pk).update(language=language)


def check_language(language: str) -> None:
    codes = [code for code, _name in settings.LANGUAGES]
    if language not in codes:
        raise DomainError(
            "unknown_language",
            _("The site has no language %(language)s: choose one of %(languages)s.")
            % {"language": language, "languages": ", ".join(codes)},
        )
