"""What annotators' pages send, read without judging it: the actions do that."""

import re
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

PLACE_FIELD = re.compile(r"place-(\d{1,3})")


@dataclass(frozen=True)
class SentSubmission:
    places: tuple[tuple[int, int], ...]
    text: str
    comment: str
    idempotency_key: str
    active_seconds: int | None

    @property
    def common(self) -> dict[str, Any]:
        return {
            "idempotency_key": self.idempotency_key,
            "active_seconds": self.active_seconds,
            "comment": self.comment,
        }

    def as_draft(self) -> dict[str, Any]:
        """What was entered, in the form a draft has, so that a refused page shows it again."""
        return {
            "places": {str(output): place or "" for output, place in self.places},
            "text": self.text,
            "comment": self.comment,
        }


def read_submission(data: QueryDict) -> SentSubmission:
    """Each `place-N` field with a value is a pair (output, place); what is no number is place 0."""
    places = [
        (int(match[1]), int(value) if value.isascii() and value.isdigit() and len(value) < 4 else 0)
        for field in data
        if (match := PLACE_FIELD.fullmatch(field))
        for value in data.getlist(field)
        if value.strip()
    ]
    seconds = data.get("active_seconds", "")
    return SentSubmission(
        places=tuple(places),
        text=data.get("text", ""),
        comment=data.get("comment", ""),
        idempotency_key=data.get("idempotency_key", "")[:64],
        active_seconds=min(int(seconds), 86_400) if seconds.isascii() and seconds.isdigit() else None,
    )
