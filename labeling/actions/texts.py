"""What PostgreSQL cannot keep, refused with a sentence instead of an error of the database."""

import re
from typing import Any

from django.utils.translation import gettext as _

from labeling.errors import DomainError

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(value: Any) -> bool:
    """Whether a text, or every text in a value of JSON, is free of NUL and of lone surrogates."""
    if isinstance(value, str):
        return not UNSTORABLE.search(value)
    if isinstance(value, dict):
        return all(is_storable(key) and is_storable(part) for key, part in value.items())
    if isinstance(value, list | tuple):
        return all(is_storable(part) for part in value)
    return True


def check_storable(field: str, value: Any) -> None:
    """Refuse what cannot be kept; `field` is what the form calls it."""
    if not is_storable(value):
        message = _("The text has a NUL character or half a character; take it out.")
        raise DomainError("bad_character", message, {field: message})
