"""Statements that are asked with every task: PostgreSQL plans them once on each connection, not each time.

For the claim and the submission, of which a busy site has hundreds a second; everything else is asked as
Django asks it. A statement belongs to its session: a pooler between here and PostgreSQL has to pool sessions.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections

_NAMED = re.compile(r"%\((\w+)\)s")
_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


class Statement:
    """SQL with %(name)s for what it is asked with, each of a type that the SQL tells (a column, a cast)."""

    def __init__(self, sql: str) -> None:
        self.names = tuple(dict.fromkeys(_NAMED.findall(sql)))
        self.sql = sql % {name: f"${n}" for n, name in enumerate(self.names, start=1)}
        self.name = f"labeling_{hashlib.sha256(self.sql.encode()).hexdigest()[:24]}"
        arguments = ", ".join(["%s"] * len(self.names))
        self.call = f"EXECUTE {self.name}{f' ({arguments})' if arguments else ''}"

    def rows(self, **asked: Any) -> list[tuple[Any, ...]]:
        self.prepare()
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(self.call, self.values(asked))
            return list(cursor.fetchall())

    def count(self, **asked: Any) -> int:
        """How many rows the statement wrote."""
        self.prepare()
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(self.call, self.values(asked))
            return int(cursor.rowcount)

    def values(self, asked: dict[str, Any]) -> list[Any]:
        return [asked[name] for name in self.names]

    def prepare(self) -> None:
        """On this thread's connection, if it is not there yet."""
        connection = connections[DEFAULT_DB_ALIAS]
        connection.ensure_connection()
        known = _prepared.setdefault(connection.connection, set())
        if self.name not in known:
            with connection.cursor() as cursor:
                cursor.execute(f"PREPARE {self.name} AS {self.sql}")
            known.add(self.name)
