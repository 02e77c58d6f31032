"""`Idempotency-Key`: the same request sent again gets the same answer, and nothing is done twice."""

import functools
import hashlib
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.actions.idempotency import begin_request, keep_answer
from labeling.errors import DomainError

HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x21-\x7e]{1,255}")

Handler = Callable[..., Response]


def answered_once(handler: Handler, *, then: Callable[..., None] | None = None) -> Handler:
    """A handler whose answer is kept under the caller's key, in the transaction of its work.

    A refusal changes nothing, so it is not kept: the same key may be tried again. then(view, request, answer,
    **names) is done each time, after that transaction and whether or not there is a key; what it adds to the
    answer is not kept.
    """

    @functools.wraps(handler)
    def answer(view: Any, request: Request, **names: Any) -> Response:
        key = key_of(request)
        response = (
            handler(view, request, **names) if key is None else _once(key, handler, view, request, names)
        )
        if then is not None:
            then(view, request, response, **names)
        return response

    answer.is_answered_once = True  # type: ignore[attr-defined]
    return answer


def _once(key: str, handler: Handler, view: Any, request: Request, names: dict[str, Any]) -> Response:
    with transaction.atomic():
        row = begin_request(user=request.user, key=key, fingerprint=_fingerprint(request))
        if row.status_code is not None:
            return Response(row.body, status=row.status_code, headers={"Idempotency-Replayed": "true"})
        response = handler(view, request, **names)
        keep_answer(row=row, status_code=response.status_code, body=_as_sent(response.data))
        return response


def key_of(request: Request) -> str | None:
    key = request.headers.get(HEADER)
    if key is not None and not KEY.fullmatch(key):
        message = _("Idempotency-Key is up to 255 visible ASCII characters, such as a UUID.")
        raise DomainError("bad_idempotency_key", message)
    return key


def submission_key(request: Request) -> str:
    """The key under which a submission is one and the same, however long ago it was sent first."""
    key = key_of(request)
    return uuid.uuid4().hex if key is None else hashlib.sha256(key.encode()).hexdigest()


def _as_sent(data: Any) -> Any:
    return None if data is None else json.loads(JSONRenderer().render(data))


def _fingerprint(request: Request) -> str:
    parts = [request.method.encode(), request.get_full_path().encode(), request._request.body]
    return hashlib.sha256(b"\x00".join(parts)).hexdigest()
