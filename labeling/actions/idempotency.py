"""Answering a repeated request once: the answer is kept in the transaction of what it reports.

So there is no moment at which the work is done and the answer not yet known, whatever dies.
"""

from datetime import timedelta
from typing import Any

from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling.errors import Conflict, DomainError
from labeling.models import IdempotentRequest, User

KEPT = timedelta(hours=24)
LONGEST_WAIT = "10s"


class KeyReused(DomainError):
    """The key belongs to another request."""

    status = 422


def begin_request(*, user: User, key: str, fingerprint: str) -> IdempotentRequest:
    """The row of this key: a new one (status_code None), or the one that holds the earlier answer.

    Called within the transaction that does the work: a duplicate waits here until the first has committed,
    at most LONGEST_WAIT, and then gets its answer. Refuses a key that came with another request (KeyReused).
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LONGEST_WAIT])
            cursor.execute(
                "INSERT INTO labeling_idempotentrequest (user_id, key, fingerprint) VALUES (%s, %s, %s)"
                " ON CONFLICT (user_id, key) DO NOTHING",
                [user.pk, key, fingerprint],
            )
            cursor.execute("SELECT set_config('lock_timeout', '0', true)")
    except OperationalError as error:
        raise Conflict(
            "request_in_progress",
            _("A request with this Idempotency-Key is still being answered; ask again in a moment."),
        ) from error
    row = IdempotentRequest.objects.get(user=user, key=key)
    if row.fingerprint != fingerprint:
        raise KeyReused(
            "idempotency_key_reused",
            _("This Idempotency-Key came with another request before; make a new key for a new request."),
        )
    return row


def keep_answer(*, row: IdempotentRequest, status_code: int, body: Any) -> None:
    IdempotentRequest.objects.filter(pk=row.pk).update(status_code=status_code, body=body)


def forget_old_answers() -> int:
    """Drop answers that no retry will ask for; returns how many."""
    return IdempotentRequest.objects.filter(created_at__lt=Now() - KEPT).delete()[0]
