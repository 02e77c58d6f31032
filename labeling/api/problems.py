"""Every error of the API in one shape (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import connections
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from labeling.errors import DomainError

MEDIA_TYPE = "application/problem+json"

log = logging.getLogger(__name__)


def problem(
    status: int, code: str, detail: str, fields: dict[str, str] | None = None, headers: Any = None
) -> Response:
    body = {
        "type": f"urn:preceptor:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "fields": fields or {},
    }
    return Response(body, status=status, content_type=MEDIA_TYPE, headers=headers)


def answer_with_problem(error: Exception, context: dict[str, Any]) -> Response:
    """What the API answers when a view raises; whatever was not foreseen is logged and answered with 500."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)
    match error:
        case DomainError():
            return problem(error.status, error.code, error.message, error.fields)
        case Http404():
            return not_found()
        case PermissionDenied():
            return problem(403, "not_allowed", _("You may not do this."))
        case RequestDataTooBig():
            return problem(413, "too_large", _("The request is too large; send less at once."))
        case exceptions.APIException():
            return _of_framework(error)
    log.error("the API failed", exc_info=error)
    return problem(
        500,
        "internal_error",
        _("Something went wrong here, and nothing was changed. X-Request-Id names this request in the log."),
    )


def not_found() -> Response:
    return problem(404, "not_found", _("There is nothing here, or nothing that you may see."))


def _of_framework(error: exceptions.APIException) -> Response:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait))
    if isinstance(error, exceptions.ValidationError):
        fields = dict(_flat(error.detail))
        return problem(400, "invalid", " ".join([_("The request does not fit."), *_named(fields)]), fields)
    code = error.get_codes()
    return problem(
        error.status_code, code if isinstance(code, str) else "error", str(error.detail), {}, headers
    )


def _flat(detail: Any, path: str = "") -> list[tuple[str, str]]:
    """The nested messages of a serializer as (dotted field, sentence)."""
    if isinstance(detail, dict):
        return [pair for key, value in detail.items() for pair in _flat(value, _below(path, str(key)))]
    if isinstance(detail, list) and any(isinstance(entry, dict | list) for entry in detail):
        return [pair for n, value in enumerate(detail) for pair in _flat(value, _below(path, str(n)))]
    messages = detail if isinstance(detail, list) else [detail]
    return [(path, " ".join(map(str, messages)))]


def _below(path: str, key: str) -> str:
    if key == "non_field_errors":
        return path
    return f"{path}.{key}" if path else key


def _named(fields: dict[str, str]) -> list[str]:
    return [f"{field}: {message}" if field else message for field, message in list(fields.items())[:5]]
