"""JSONL and CSV files row by row, in constant memory; what is wrong with a row or a file, in a sentence."""

import csv
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

from labeling.errors import DomainError

LONGEST_ROW = 1_000_000  # bytes
DELIMITERS = (",", ";", "\t")
UTF8_MARK = b"\xef\xbb\xbf"
OTHER_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
# What JSON can say in a text and PostgreSQL cannot keep.
UNKEPT = re.compile("[\x00\ud800-\udfff]")
csv.field_size_limit(LONGEST_ROW)


class FileRefused(DomainError):
    """The file as a whole cannot be read; the message says what to change."""

    def __init__(self, message: str) -> None:
        super().__init__("bad_file", message, {"file": message})


class RowProblem(Exception):
    """One row cannot become a prompt; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where the next row begins: a byte, how many lines lie before it, and in which of several files.

    Of tables the lines are rows, and the byte only tells about how far that is.
    """

    offset: int
    line: int
    file: int = 0


@dataclass(frozen=True)
class FileDescription:
    format: str  # jsonl, csv, parquet or arrow
    columns: tuple[str, ...]
    start: Place
    delimiter: str = ","
    has_mark: bool = False  # begins with UTF-8's byte order mark, which is left out


@dataclass(frozen=True)
class RawRow:
    line: int  # its first one, of a table the row; they count from 1
    values: dict[str, Any]
    problem: str  # why it cannot be read; empty when it can
    end: Place


def describe_text(path: Path, format: str) -> FileDescription:
    """What a JSONL or CSV file is made of. Raises FileRefused for another encoding, and without a row."""
    with path.open("rb") as file:
        beginning = file.read(4096)
    for mark, encoding in OTHER_MARKS.items():
        if beginning.startswith(mark):
            raise FileRefused(_("The file is written in %s. Save it as UTF-8 and try again.") % encoding)
    if beginning.count(0) > len(beginning) // 4:
        raise FileRefused(_("The file is no text in UTF-8, perhaps UTF-16. Save it as UTF-8 and try again."))
    has_mark = beginning.startswith(UTF8_MARK)
    start = Place(len(UTF8_MARK) if has_mark else 0, 0)
    if format == "csv":
        return _describe_csv(path, start, has_mark)
    first = islice(_jsonl_rows(path, start), 100)
    columns = tuple(dict.fromkeys(name for row in first for name in row.values))
    if not columns:
        raise FileRefused(_('The file has no row with a JSON object, such as {"prompt": "…"}.'))
    return FileDescription("jsonl", columns, start, has_mark=has_mark)


def text_rows(path: Path, description: FileDescription, since: Place) -> Iterator[RawRow]:
    """The rows from a place on, blank lines left out."""
    if description.format == "csv":
        return _csv_rows(path, since, description)
    return _jsonl_rows(path, since)


class _Lines:
    """Lines as text, none longer than LONGEST_ROW; `problem` says what was wrong since it was reset."""

    def __init__(self, file: BinaryIO, place: Place) -> None:
        file.seek(place.offset)
        self.file = file
        self.place = place
        self.problem = ""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        raw = self.file.readline(LONGEST_ROW + 1)
        if not raw:
            raise StopIteration
        length, too_long = len(raw), len(raw) > LONGEST_ROW
        rest = raw
        while too_long and not rest.endswith(b"\n"):
            rest = self.file.readline(LONGEST_ROW)
            length += len(rest)
            if not rest:
                break
        self.place = Place(self.place.offset + length, self.place.line + 1, self.place.file)
        if too_long:
            self.problem = _("The row is longer than 1 MB.")
            return "\n"
        if b"\x00" in raw:
            self.problem = self.problem or _("There is a NUL character in it; take it out.")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            self.problem = self.problem or _("It is not UTF-8 (byte %s of the line).") % (error.start + 1)
            return raw.decode(errors="replace")


def _jsonl_rows(path: Path, since: Place) -> Iterator[RawRow]:
    with path.open("rb") as file:
        lines = _Lines(file, since)
        for text in lines:
            values: dict[str, Any] = {}
            if not lines.problem and not text.strip():
                continue
            if not lines.problem:
                try:
                    values = _json_object(text)
                except RowProblem as problem:
                    lines.problem = str(problem)
            yield RawRow(lines.place.line, values, lines.problem, lines.place)
            lines.problem = ""


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise RowProblem(_("It is no JSON: column %s is not as expected.") % error.colno) from error
    except (ValueError, RecursionError) as error:
        raise RowProblem(_("Its JSON has a number or a nesting that cannot be kept.")) from error
    if not isinstance(value, dict):
        raise RowProblem(_('It is no JSON object, such as {"prompt": "…"}.'))
    check_can_be_kept(value)
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def check_can_be_kept(value: Any) -> None:
    """Refuse what JSON can say and PostgreSQL cannot keep. Raises RowProblem."""
    if isinstance(value, str):
        if (found := UNKEPT.search(value)) is not None:
            if found[0] == "\x00":
                raise RowProblem(_("There is a NUL character in it; take it out."))
            raise RowProblem(_("There is half a character (a lone surrogate) in it."))
    elif isinstance(value, float) and not math.isfinite(value):
        raise RowProblem(_("There is a number in it that is too large."))
    elif isinstance(value, list):
        for item in value:
            check_can_be_kept(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            check_can_be_kept(name)
            check_can_be_kept(item)


def _describe_csv(path: Path, start: Place, has_mark: bool) -> FileDescription:
    with path.open("rb") as file:
        lines = _Lines(file, start)
        first_line = next(lines, "")
        delimiter = max(DELIMITERS, key=first_line.count)
    with path.open("rb") as file:
        lines = _Lines(file, start)
        try:
            header = next(csv.reader(lines, delimiter=delimiter, strict=True), [])
        except csv.Error as error:
            raise FileRefused(_("The first row, with the names of the columns, cannot be read.")) from error
        place = lines.place
    columns = tuple(name.strip() for name in header)
    if lines.problem or not any(columns):
        raise FileRefused(
            _("The first row must name the columns.") + (f" {lines.problem}" if lines.problem else "")
        )
    if len(set(columns)) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise FileRefused(_("Two columns have the same name, “%s”.") % twice)
    return FileDescription("csv", columns, place, delimiter, has_mark)


def _csv_rows(path: Path, since: Place, description: FileDescription) -> Iterator[RawRow]:
    columns = description.columns
    with path.open("rb") as file:
        lines = _Lines(file, since)
        reader = csv.reader(lines, delimiter=description.delimiter, strict=True)
        while True:
            lines.problem, first = "", lines.place.line + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield RawRow(first, {}, _csv_problem(error), lines.place)
                continue
            if not cells and not lines.problem:
                continue
            problem = lines.problem
            if not problem and len(cells) != len(columns):
                problem = _("It has %(cells)s cells; there are %(columns)s columns.") % {
                    "cells": len(cells),
                    "columns": len(columns),
                }
            yield RawRow(
                first, {} if problem else dict(zip(columns, cells, strict=True)), problem, lines.place
            )


def _csv_problem(error: csv.Error) -> str:
    if "field limit" in str(error) or "end of data" in str(error):
        return _("A quotation mark is opened here and not closed.")
    return _("Its quotation marks are not as CSV has them: a mark inside a quoted cell is written twice.")
