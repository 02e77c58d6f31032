"""How accounts come to be, never by open sign-up; and how often one may try to sign in, or an invitation.

allauth counts the attempts, in Redis; here a refusal becomes a 429 that says when to come back.
"""

import math
import time
from collections.abc import Callable
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from labeling import password_reset, sessions
from labeling.errors import TooManyRequests, too_many_requests_page
from labeling.models import User

APP = "allauth.account"
FAILED = "login_failed"


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def set_password(self, user: User, password: str) -> None:
        user.password_is_temporary = False
        super().set_password(user, password)

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        sessions.begin(request)

    def get_reset_password_from_key_url(self, key: str) -> str:
        return password_reset.link_with(key)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """The mails of a password reset in our own words; an address without an account gets one too."""
        if template_prefix == "account/email/password_reset_key":
            password_reset.send_link(context["user"], email, context["password_reset_url"])
        elif template_prefix == "account/email/unknown_account":
            password_reset.send_that_there_is_no_account(email)
        else:
            super().send_mail(template_prefix, email, context)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("home")

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse the attempt (TooManyRequests) when this address or this account has failed too often."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            key = self._get_login_attempts_cache_key(request, **credentials)
            raise refusal(seconds_to_wait(request, FAILED, key=key)) from error

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # allauth puts the host name in as well: each name of the site would be a fresh set of attempts.
        return str(credentials.get("email", "")).strip().lower()


class OwnPasswordMiddleware:
    """Has whoever signed in with a password that a manager saw choose one of their own first."""

    OPEN = frozenset({"account_change_password", "account_logout", "choose-language"})

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.url_name in self.OPEN:
            return None
        if request.user.is_authenticated and request.user.password_is_temporary:
            return redirect("account_change_password")
        return None


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """The answer when an address asks for a page of accounts too often, wrong password or not."""
    waits = [seconds_to_wait(request, action) for action in app_settings.RATE_LIMITS]
    return too_many_requests_page(request, refusal(max(waits)))


def check_rate(request: HttpRequest, action: str) -> None:
    """Refuse (TooManyRequests) when this address has asked for it too often, by the site's settings."""
    if not ratelimit.consume(request, app=APP, action=action, limit_get=True):
        raise refusal(seconds_to_wait(request, action))


def seconds_to_wait(request: HttpRequest, action: str, *, key: str | None = None) -> int:
    """Until this action is allowed again; rates that count by what is unknown here are left out."""
    now = time.time()
    waits = [0.0]
    for rate in ratelimit.get_rates(app=APP, action=action):
        if rate.per == "user" or (rate.per == "key" and key is None):
            continue
        attempts = cache.get(ratelimit.get_cache_key(request, app=APP, action=action, rate=rate, key=key), [])
        recent = [moment for moment in attempts if moment > now - rate.duration]
        if len(recent) >= rate.amount:
            waits.append(min(recent) + rate.duration - now)
    return max(1, math.ceil(max(waits)))


def refusal(seconds: int) -> TooManyRequests:
    minutes = math.ceil(seconds / 60)
    if seconds < 60:
        when = ngettext("in %(n)d second", "in %(n)d seconds", seconds) % {"n": seconds}
    else:
        when = ngettext("in %(n)d minute", "in %(n)d minutes", minutes) % {"n": minutes}
    return TooManyRequests(
        "too_many_attempts",
        _("There were too many attempts. Try again %(when)s; the right password or link works then.")
        % {"when": when},
        retry_after=seconds,
    )
