"""What annotators' pages send, read without judging it: the actions do that."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

PLACE_FIELD = re.compile(r"place-(\d{1,3})")
# What a button says about two outputs: places of the left and the right one.
CHOICES = {"left": ((1, 1), (2, 2)), "right": ((1, 2), (2, 1)), "tie": ((1, 1), (2, 1))}


@dataclass(frozen=True)
class SentSubmission:
    places: tuple[tuple[int, int], ...]
    text: str
    comment: str
    idempotency_key: str
    active_seconds: int | None
    draft_version: int | None = None
    # Of a ranking: its answers by field, which rubric asked, and whatever else the page may say.
    answers: dict[str, str] = field(default_factory=dict)
    rubric_version: str = ""
    strength: int | None = None
    verdict: str = ""
    mode: str = ""
    contradiction_seen: bool = False
    # Of a demonstration: what the page counted, and what the writer says.
    pasted_characters: int | None = None
    assistance: str = ""
    assistance_tool: str = ""

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
            "answers": self.answers,
            "rubric_version": self.rubric_version,
            "strength": self.strength or "",
            "mode": self.mode,
            "pasted_characters": "" if self.pasted_characters is None else self.pasted_characters,
            "assistance": self.assistance,
            "assistance_tool": self.assistance_tool,
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
    strength = data.get("strength", "")
    choice = data.get("choice", "")
    return SentSubmission(
        places=CHOICES.get(choice, tuple(places)),
        text=data.get("text", ""),
        comment=data.get("comment", ""),
        idempotency_key=key_of(data),
        active_seconds=whole(data.get("active_seconds", "")),
        draft_version=whole(data.get("draft_version", "")),
        answers={name: data.get(name, "") for name in data if name.startswith("answer-")},
        rubric_version=data.get("rubric_version", ""),
        strength=int(strength) if strength in {"1", "2", "3"} and choice != "tie" else None,
        verdict=data.get("verdict", ""),
        mode=data.get("mode", ""),
        contradiction_seen="contradiction_seen" in data,
        pasted_characters=whole(data.get("pasted_characters", "")),
        assistance=data.get("assistance", ""),
        assistance_tool=data.get("assistance_tool", ""),
    )


def whole(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def key_of(data: QueryDict) -> str:
    """The page's key and what it sends: a double click is one submission, a page changed after it another."""
    left_out = {"csrfmiddlewaretoken", "active_seconds", "draft_version"}
    content = sorted((name, data.getlist(name)) for name in data if name not in left_out)
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
