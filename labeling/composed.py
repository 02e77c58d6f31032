"""Queries that are asked with every task: composed once in a process, and planned once on each connection.

Django composes a query's SQL anew whenever it is asked, which takes longer than PostgreSQL takes to answer
by an index. What is asked once a page is better left as it is: this is for the claim and the submission.

    TOKEN = Composed(lambda: ApiToken.objects.select_related("user").filter(digest=asked("digest")))
    token = TOKEN.first(digest="…")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Expression, Model, QuerySet
from django.db.models.query import (  # type: ignore[attr-defined] # not all in its stubs
    FlatValuesListIterable,
    ModelIterable,
    ValuesListIterable,
    get_related_populators,
)
from django.db.models.sql.compiler import SQLCompiler

from labeling.statements import Asking, Statement

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
    """A queryset of rows or of values_list() in which `asked` stands for values; nothing is prefetched."""

    def __init__(self, queryset: Callable[[], QuerySet[Any, Row]]) -> None:
        self._queryset = queryset
        self._known: _Known | None = None

    def all(self, *before: Asking, **values: Any) -> list[Row]:
        """As Statement.rows."""
        known = self._known = self._known or _compose(self._queryset())
        return [known.read(row) for row in known.statement.rows(*before, **values)]

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
class _Known(Generic[Row]):
    statement: Statement
    read: Callable[[tuple[Any, ...]], Row]


def _compose(queryset: QuerySet[Any, Row]) -> _Known[Row]:
    compiler: Any = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
    sql, parameters = compiler.as_sql()
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        # What is the same each time is written out, so that it is known when the statement is planned.
        shown = tuple(f"%({p.name})s" if isinstance(p, _Asked) else _written(cursor, p) for p in parameters)
    return _Known(Statement(sql % shown), _reader(queryset, compiler))


def _reader(queryset: QuerySet[Any, Row], compiler: Any) -> Callable[[tuple[Any, ...]], Row]:
    """What makes of a row of the database what the queryset would: its iterables, with what never changes
    worked out before."""
    converters = compiler.get_converters([column for column, *_ in compiler.select])
    makers: dict[Any, Callable[[], Any]] = {
        ModelIterable: lambda: _model_reader(compiler),
        ValuesListIterable: lambda: tuple,
        FlatValuesListIterable: lambda: itemgetter(0),
    }
    make = makers[queryset._iterable_class]()

    def read(row: tuple[Any, ...]) -> Row:
        connection, values = connections[DEFAULT_DB_ALIAS], list(row)
        for place, (convert, column) in converters.items():
            for each in convert:
                values[place] = each(values[place], column, connection)
        result: Row = make(values)
        return result

    return read


def _model_reader(compiler: Any) -> Callable[[list[Any]], Model]:
    """With what is joined by select_related, and what is annotated."""
    model, places = compiler.klass_info["model"], compiler.klass_info["select_fields"]
    own = slice(places[0], places[-1] + 1)
    names = [column.target.attname for column, *_ in compiler.select[own]]
    joined = get_related_populators(compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS)
    annotated = tuple(compiler.annotation_col_map.items())

    def make(values: list[Any]) -> Model:
        row: Model = model.from_db(DEFAULT_DB_ALIAS, names, values[own])
        for each in joined:
            each.populate(values, row)
        for name, place in annotated:
            setattr(row, name, values[place])
        return row

    return make


def _written(cursor: Any, value: Any) -> str:
    literal: bytes = cursor.mogrify("%s", [value])
    return literal.decode().replace("%", "%%")
