"""The one error type of the domain, and how pages answer with it."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

RETRY_SECONDS = 30


class DomainError(Exception):
    """A rule of the domain refuses what was asked; the message tells a person what to do.

    code: stable, for programs. fields: form field → message. status: the HTTP status that answers with it.
    """

    status = 400

    def __init__(self, code: str, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = fields or {}


class Conflict(DomainError):
    """The thing has moved on since it was shown."""

    status = 409


class TooManyRequests(DomainError):
    """Too often; `retry_after` seconds from now it is allowed again."""

    status = 429

    def __init__(self, code: str, message: str, *, retry_after: int) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


def too_many_requests_page(request: HttpRequest, error: TooManyRequests) -> HttpResponse:
    answer = render(request, "429.html", {"error": error}, status=error.status)
    answer["Retry-After"] = str(error.retry_after)
    return answer


def try_again_page(request: HttpRequest) -> HttpResponse:
    answer = render(request, "503.html", status=503)
    answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


class DomainErrorMiddleware:
    """Shows a DomainError that no view handled as a page with its sentence.

    Without Redis nobody counts attempts to sign in, so nobody may make one: unlike the API's throttle, which
    stands before keys that cannot be guessed, this one is what keeps passwords from being guessed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # No name, date or number of a query has a NUL, and PostgreSQL takes none to compare with.
        if "%00" in request.META.get("QUERY_STRING", "") and not request.path.startswith("/api/"):
            error = DomainError("bad_character", _("The address has a NUL character; take it out."))
            return render(request, "error.html", {"error": error}, status=error.status)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, RedisError):
            log.error("Redis does not answer: %s", exception)
            return try_again_page(request)
        if not isinstance(exception, DomainError):
            return None
        if isinstance(exception, TooManyRequests):
            return too_many_requests_page(request, exception)
        return render(request, "error.html", {"error": exception}, status=exception.status)
