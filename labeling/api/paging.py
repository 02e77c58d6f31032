"""Lists in pages that stay put while rows are added.

A cursor names the last row that was seen by its public id, so it tells nothing of numbers or order, and the
next page is found by an index however deep it lies.
"""

import base64
import binascii
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.response import Response

from labeling.errors import DomainError

USUAL_SIZE = 50
LARGEST_SIZE = 200


class PageParameters(serializers.Serializer):
    cursor = serializers.CharField(
        required=False, help_text="next_cursor of the page before; without it the list begins."
    )
    limit = serializers.IntegerField(
        required=False, default=USUAL_SIZE, min_value=1, max_value=LARGEST_SIZE, help_text="Rows a page."
    )


def page_of(
    rows: QuerySet[Any],
    parameters: dict[str, Any],
    serialize: Callable[[Sequence[Any]], Any],
    *,
    seen_among: QuerySet[Any] | None = None,
    newest_first: bool = True,
) -> Response:
    """One page of rows in the order in which they came.

    seen_among: where the row of a cursor is looked up when it may have left the list since.
    """
    if cursor := parameters.get("cursor"):
        last = (rows if seen_among is None else seen_among).order_by()
        after = last.filter(public_id=read_cursor(cursor)).values_list("pk", flat=True).first()
        if after is None:
            raise _unreadable()
        rows = rows.filter(pk__lt=after) if newest_first else rows.filter(pk__gt=after)
    size = parameters["limit"]
    found = list(rows.order_by("-pk" if newest_first else "pk")[: size + 1])
    shown = found[:size]
    next_cursor = write_cursor(shown[-1].public_id) if len(found) > size else None
    return Response({"items": serialize(shown), "next_cursor": next_cursor})


def write_cursor(public_id: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(public_id.bytes).rstrip(b"=").decode()


def read_cursor(cursor: str) -> uuid.UUID:
    try:
        return uuid.UUID(bytes=base64.urlsafe_b64decode(f"{cursor}=="))
    except (ValueError, binascii.Error) as error:
        raise _unreadable() from error


def _unreadable() -> DomainError:
    message = _("This cursor belongs to no page of this list: begin without one.")
    return DomainError("bad_cursor", message, {"cursor": message})
