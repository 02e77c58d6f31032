"""The language of the interface: the person's own, else the browser's; and the switch in the top bar."""

import contextlib
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from labeling import actions
from labeling.models import User

A_YEAR = 365 * 24 * 3600


class PersonsLanguageMiddleware:
    """Shows the site in the language on the account; LocaleMiddleware has chosen by cookie and browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if isinstance(user, User) and user.language:
            with contextlib.suppress(LookupError):  # a language the site has not (any more)
                translation.activate(translation.get_supported_language_variant(user.language))
            request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE
        return self.get_response(request)


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Open to everybody: the sign-in page has the switch too. Back to the page it was pressed on."""
    language = request.POST.get("language", "")
    actions.check_language(language)
    if isinstance(request.user, User):
        actions.choose_language(user=request.user, language=language)
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    answer = redirect(back)
    answer.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=A_YEAR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer
