"""Statements that are asked with every task: PostgreSQL plans them once on each connection, not each time.

For the claim and the submission, of which a busy site has hundreds a second; everything else is asked as
Django asks it. A statement belongs to its session: a pooler between here and PostgreSQL has to pool sessions.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections

_NAMED = re.compile(r"%\((\w+)\)s")
PLANNED_AGAIN_FROM = 64


@dataclass
class _Session:
    """What a connection has prepared, and how often it was asked."""

    prepared: set[str] = field(default_factory=set)
    asked: int = 0


_sessions: WeakKeyDictionary[Any, _Session] = WeakKeyDictionary()


def _session() -> _Session:
    """Of this thread's connection."""
    connection = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    return _sessions.setdefault(connection.connection, _Session())


class Statement:
    """SQL with %(name)s for what it is asked with, each of a type that the SQL tells (a column, a cast)."""

    def __init__(self, sql: str) -> None:
        self.names = tuple(dict.fromkeys(_NAMED.findall(sql)))
        self.sql = sql % {name: f"${n}" for n, name in enumerate(self.names, start=1)}
        self.name = f"labeling_{hashlib.sha256(self.sql.encode()).hexdigest()[:24]}"
        arguments = ", ".join(["%s"] * len(self.names))
        self.call = f"EXECUTE {self.name}{f' ({arguments})' if arguments else ''}"

    def asking(self, **asked: Any) -> Asking:
        return Asking(self, [asked[name] for name in self.names])

    def rows(self, *before: Asking, **asked: Any) -> list[tuple[Any, ...]]:
        """Its rows; what is asked before goes to PostgreSQL with it, one after the other, and gives none."""
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            _ask(cursor, *before, self.asking(**asked))
            return list(cursor.fetchall())

    def count(self, **asked: Any) -> int:
        """How many rows it wrote."""
        return self.asking(**asked).count()

    def prepare(self) -> None:
        """On this thread's connection, if it is not there yet."""
        prepared = _session().prepared
        if self.name not in prepared:
            with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
                cursor.execute(f"PREPARE {self.name} AS {self.sql}")
            prepared.add(self.name)


@dataclass(frozen=True)
class Asking:
    """A statement with what it is asked with."""

    statement: Statement
    values: list[Any]

    def count(self) -> int:
        """How many rows the statement wrote."""
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            _ask(cursor, self)
            return int(cursor.rowcount)


def _ask(cursor: Any, *askings: Asking) -> None:
    """All in one way there and back.

    Plans are made anew whenever a connection has been asked twice as often: one for an empty table reads all
    of it, and would be kept until somebody counts its rows.
    """
    for each in askings:
        each.statement.prepare()
    calls = [each.statement.call for each in askings]
    session = _session()
    session.asked += 1
    if session.asked >= PLANNED_AGAIN_FROM and session.asked.bit_count() == 1:
        calls.insert(0, "DISCARD PLANS")
    cursor.execute("; ".join(calls), [value for each in askings for value in each.values])
