"""Parquet and Arrow files row by row: a few rows at a time, never the whole file.

Arrow files are those of `save_to_disk` of the library datasets (a stream of batches), or Feather. Columns of
binary values, such as images, are left out: a prompt is text.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from labeling.imports.files import (
    LONGEST_ROW,
    UNKEPT,
    FileDescription,
    FileRefused,
    Place,
    RawRow,
    RowProblem,
    check_can_be_kept,
)

BATCH = 256  # rows that are in memory at once
BUFFER = 1 << 20  # bytes of a column that are read ahead
MAGIC = b"PAR1"
ENCRYPTED = b"PARE"
FEATHER = b"ARROW1"

# A few rows, and about how many bytes of the file lie before the end of them.
Batches = Iterator[tuple[pa.RecordBatch, int]]


def describe_table(path: Path, format: str) -> FileDescription:
    """What the file is made of. Raises FileRefused for what cannot be read, and when there is no row."""
    if format == "parquet":
        _check_magic(path)
    with _refusing(format):
        schema = _schema_of(path, format)
        first = next(_batches(path, format, _columns_of(schema), 0), None)
    if first is None:
        raise FileRefused(_("The file has no row."))
    _check_columns(columns := _columns_of(schema))
    return FileDescription(format, columns, Place(0, 0))


def _check_columns(columns: tuple[str, ...]) -> None:
    if not columns:
        raise FileRefused(_("The file has no column of texts or numbers."))
    for number, name in enumerate(columns):
        if name in columns[:number]:
            raise FileRefused(_("Two columns have the same name, “%s”.") % name)
        if UNKEPT.search(name):
            raise FileRefused(_("The name of a column has a character that cannot be kept."))


def table_rows(path: Path, description: FileDescription, since: Place) -> Iterator[RawRow]:
    """The rows from a place on. Raises FileRefused where the file is broken."""
    row = since.line
    batches = _batches(path, description.format, description.columns, since.line)
    while True:
        with _refusing(description.format):
            batch, offset = next(batches, (None, 0))
        if batch is None:
            return
        for values, problem in _values_of(batch):
            row += 1
            yield RawRow(row, values, problem, Place(offset, row, since.file))


def left_out_of(path: Path, format: str) -> tuple[str, ...]:
    """The columns that hold no text and are not read."""
    with _refusing(format):
        schema = _schema_of(path, format)
    return tuple(field.name for field in schema if _is_binary(field.type))


@contextmanager
def _refusing(format: str) -> Iterator[None]:
    """Whatever the format's reader cannot make sense of refuses the file. A missing one is an OSError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        sentence = _("The file is broken or cut off, or of a kind that cannot be read: %s. Write it again.")
        raise FileRefused(sentence % reason.rstrip(".")) from error


def _check_magic(path: Path) -> None:
    with path.open("rb") as file:
        first = file.read(4)
        file.seek(max(0, path.stat().st_size - 4))
        last = file.read(4)
    if last == ENCRYPTED:
        raise FileRefused(_("The Parquet file is encrypted. Write it without encryption and try again."))
    if first != MAGIC:
        raise FileRefused(_("The file is no Parquet file, whatever its name says."))
    if last != MAGIC:
        raise FileRefused(_("The Parquet file was cut off: its end is missing. Copy it again."))


def _schema_of(path: Path, format: str) -> pa.Schema:
    if format == "parquet":
        return pq.read_schema(path)
    with pa.memory_map(str(path)) as source:
        return _arrow_reader(path, source).schema


def _columns_of(schema: pa.Schema) -> tuple[str, ...]:
    """Those that are read. The index that pandas writes beside them is none."""
    return tuple(
        field.name
        for field in schema
        if not _is_binary(field.type) and not field.name.startswith("__index_level_")
    )


def _is_binary(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return _is_binary(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _is_binary(kind.value_type)
    return (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
        or any(_is_binary(kind.field(number).type) for number in range(kind.num_fields))
    )


def _batches(path: Path, format: str, columns: tuple[str, ...], skip: int) -> Batches:
    if format == "parquet":
        return _parquet_batches(path, columns, skip)
    return _arrow_batches(path, columns, skip)


def _parquet_batches(path: Path, columns: tuple[str, ...], skip: int) -> Batches:
    """Row groups that lie wholly before the first row wanted are not read."""
    size = path.stat().st_size
    with pq.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file:
        total, done = file.metadata.num_rows, 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if done + rows <= skip:
                done += rows
                continue
            for batch in file.iter_batches(BATCH, [group], columns=list(columns), use_threads=False):
                begins, done = done, done + batch.num_rows
                if done > skip:
                    yield batch.slice(max(0, skip - begins)), size * done // total


def _arrow_batches(path: Path, columns: tuple[str, ...], skip: int) -> Batches:
    """From a map of the file, whose pages the system takes back; batches are as long as they were written."""
    size, done, before = path.stat().st_size, 0, 0
    with pa.memory_map(str(path)) as source:
        for batch, offset in _written_batches(_arrow_reader(path, source), source, size):
            begins, done = done, done + batch.num_rows
            wanted = batch.select(list(columns))
            for start in range(max(0, skip - begins), batch.num_rows, BATCH):
                share = min(start + BATCH, batch.num_rows) / batch.num_rows
                yield wanted.slice(start, BATCH), before + int(share * (offset - before))
            before = offset


def _arrow_reader(path: Path, source: pa.MemoryMappedFile) -> Any:
    is_feather = source.read(len(FEATHER)) == FEATHER
    source.seek(0)
    return pa.ipc.open_file(source) if is_feather else pa.ipc.open_stream(source)


def _written_batches(reader: Any, source: pa.MemoryMappedFile, size: int) -> Batches:
    if isinstance(reader, pa.ipc.RecordBatchFileReader):
        count = reader.num_record_batches
        for number in range(count):
            yield reader.get_batch(number), size * (number + 1) // count
    else:
        for batch in reader:
            yield batch, source.tell()


def _values_of(batch: pa.RecordBatch) -> Iterator[tuple[dict[str, Any], str]]:
    """(values, what is wrong) of each row; a row whose values cannot be read spoils none beside it."""
    is_large = batch.nbytes > LONGEST_ROW
    try:
        rows = batch.to_pylist(maps_as_pydicts="lossy")
    except (UnicodeDecodeError, ValueError, OverflowError):
        rows = []
    for number in range(batch.num_rows):
        if is_large and batch.slice(number, 1).nbytes > LONGEST_ROW:
            yield {}, _("The row is longer than 1 MB.")
            continue
        try:
            row = rows[number] if rows else batch.slice(number, 1).to_pylist(maps_as_pydicts="lossy")[0]
            values = {name: _plain(value) for name, value in row.items()}
            check_can_be_kept(values)
        except UnicodeDecodeError:
            yield {}, _("It has a text that is not UTF-8.")
        except (ValueError, OverflowError):
            yield {}, _("It has a value that cannot be read, such as a date out of range.")
        except RowProblem as problem:
            yield {}, str(problem)
        else:
            yield values, ""


def _plain(value: Any) -> Any:
    """As JSON has it. A number that is none stands for a missing one, as pandas writes it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return value.isoformat() if isinstance(value, datetime | date | time) else str(value)
