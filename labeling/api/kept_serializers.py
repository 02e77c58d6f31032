"""Serializers that are made once: to make one copies each of its fields, which takes longer than to use it.

Reading and showing leave nothing in a serializer, so threads share it. One that asks its context is no such.
"""

from typing import Any

from rest_framework.serializers import Serializer

_kept: dict[type[Serializer], Serializer] = {}


def kept(serializer: type[Serializer]) -> Serializer:
    if serializer not in _kept:
        _kept[serializer] = serializer()
    return _kept[serializer]


def shown(serializer: type[Serializer], row: Any) -> dict[str, Any]:
    """As serializer(row).data."""
    answer: dict[str, Any] = kept(serializer).to_representation(row)
    return answer
