"""Statements that are asked with every task: PostgreSQL plans them once on each connection, not each time.

For the claim and the submission, of which a busy site has hundreds a second; everything else is asked as
Django asks it. A statement belongs to its session: a pooler between here and PostgreSQL has to pool sessions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_NAMED = re.compile(r"%\((\w+)\)s")
PLANNED_AGAIN_FROM = 64


@dataclass
class _Session:
    """What a connection has prepared, and how often it was asked."""

    prepared: set[str] = field(default_factory=set)
    asked: int = 0


_sessions: WeakKeyDictionary[Any, _Session] = WeakKeyDictionary()


def _session_of(connection: BaseDatabaseWrapper) -> _Session:
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
        with _asked(*before, self.asking(**asked)) as cursor:
            return list(cursor.fetchall())

    def count(self, **asked: Any) -> int:
        """How many rows it wrote."""
        with _asked(self.asking(**asked)) as cursor:
            return int(cursor.rowcount)

    def prepare(self) -> None:
        """On this thread's connection, if it is not there yet."""
        connection = connections[DEFAULT_DB_ALIAS]
        with connection.cursor() as cursor:
            prepared = _session_of(connection).prepared
            if self.name not in prepared:
                cursor.execute(f"PREPARE {self.name} AS {self.sql}")
                prepared.add(self.name)


@dataclass(frozen=True)
class Asking:
    """A statement with what it is asked with."""

    statement: Statement
    values: list[Any]


@contextmanager
def _asked(*askings: Asking) -> Iterator[Any]:
    """A cursor that has asked all of it in one way there and back; what the connection lacks is prepared.

    Plans are made anew whenever a connection has been asked twice as often: one for an empty table reads all
    of it, and would be kept until somebody counts its rows.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        session = _session_of(connection)
        for each in askings:
            if each.statement.name not in session.prepared:
                each.statement.prepare()
        calls = [each.statement.call for each in askings]
        session.asked += 1
        if session.asked >= PLANNED_AGAIN_FROM and session.asked.bit_count() == 1:
            calls.insert(0, "DISCARD PLANS")
        cursor.execute("; ".join(calls), [value for each in askings for value in each.values])
        yield cursor
