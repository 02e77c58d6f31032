"""Queries that are asked with every task: composed once in a process, and planned once on each connection.

Django composes a query's SQL anew whenever it is asked, which takes longer than PostgreSQL takes to answer
by an index. What is asked once a page is better left as it is: this is for the claim and the submission.

    TOKEN = Composed(lambda: ApiToken.objects.select_related("user").filter(digest=asked("digest")))
    token = TOKEN.first(digest="…")
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Expression, Model, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from labeling.statements import Statement

Row = TypeVar("Row")
AnyModel = TypeVar("AnyModel", bound=Model)


def asked(name: str) -> Any:
    """A value that is known when the query is asked; it stands beside a column, which tells its type."""
    return _Asked(name)


class _Asked(Expression):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, _compiler: SQLCompiler, _connection: Any) -> tuple[str, list[Any]]:
        return "%s", [self]


class Composed(Generic[Row]):
    """A queryset in which `asked` stands for values; the rows come as it gives them, without prefetches."""

    def __init__(self, queryset: Callable[[], QuerySet[Any, Row]]) -> None:
        self._queryset = queryset
        self._known: _Known | None = None

    def all(self, **values: Any) -> list[Row]:
        known = self._known = self._known or _compose(self._queryset())
        known.statement.prepare(known.queryset.db)
        compiler: Any = copy.copy(known.compiler)
        compiler.connection = connections[known.queryset.db]  # the thread's own
        call = known.statement.call, known.statement.values(values)
        compiler.as_sql = lambda *_args, **_options: call
        compiler.get_converters = lambda _columns: known.converters
        query: Any = _Ready(compiler)
        ready: QuerySet[Any, Any] = QuerySet(known.queryset.model, query=query, using=known.queryset.db)
        rows: Any = known.queryset._iterable_class
        return list(rows(ready))

    def first(self, **values: Any) -> Row | None:
        """The first row; the queryset itself says when it needs no more."""
        return next(iter(self.all(**values)), None)


def columns(model: type[Model], of: str) -> str:
    """All of a model's, of a table or WITH query of this name: what `row` takes."""
    return ", ".join(f"{of}.{field.column}" for field in model._meta.concrete_fields)


def row(model: type[AnyModel], values: Sequence[Any]) -> AnyModel:
    """The model's row from what a statement gave for its `columns`."""
    fields = model._meta.concrete_fields
    connection = connections[DEFAULT_DB_ALIAS]
    read = (
        field.from_db_value(value, None, connection) if hasattr(field, "from_db_value") else value
        for field, value in zip(fields, values, strict=True)
    )
    return model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in fields], list(read))


@dataclass(frozen=True)
class _Known:
    queryset: QuerySet[Any, Any]
    compiler: SQLCompiler
    statement: Statement
    converters: dict[int, Any]  # of the columns, by their place


class _Ready:
    """Stands where a queryset has its query, and is composed already."""

    def __init__(self, compiler: SQLCompiler) -> None:
        self._compiler = compiler

    def get_compiler(self, *_args: Any, **_options: Any) -> SQLCompiler:
        return self._compiler


def _compose(queryset: QuerySet[Any, Any]) -> _Known:
    compiler: Any = queryset.query.get_compiler(queryset.db)
    sql, parameters = compiler.as_sql()
    with connections[queryset.db].cursor() as cursor:
        # What is the same each time is written out, so that it is known when the statement is planned.
        shown = tuple(f"%({p.name})s" if isinstance(p, _Asked) else _written(cursor, p) for p in parameters)
    converters = compiler.get_converters([column for column, *_ in compiler.select])
    compiler.connection = None  # it belongs to this thread, and ends with it
    return _Known(queryset, compiler, Statement(sql % shown), converters)


def _written(cursor: Any, value: Any) -> str:
    literal: bytes = cursor.mogrify("%s", [value])
    return literal.decode().replace("%", "%%")
