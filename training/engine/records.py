"""The rows of a snapshot and their Parquet schema. Standard library and pyarrow only: the labeling app
imports this.

Files open with `datasets.load_dataset("parquet", ...)`. Comparisons are derived from rankings, never stored.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from training.engine.errors import RecordError

Split = Literal["train", "valid", "test"]
AnnotatorGroup = Literal["training", "held_out"]
SPLITS = ("train", "valid", "test")
ANNOTATOR_GROUPS = ("training", "held_out")
ROWS_PER_GROUP = 1000
CHARACTERS_PER_GROUP = 16_000_000  # of documents, which may be long


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; role is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation that waits for the assistant's next turn."""

    prompt_id: str
    messages: tuple[Message, ...]
    split: Split
    language: str
    category: str


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A completion that an annotator wrote for a prompt."""

    demonstration_id: str
    prompt_id: str
    messages: tuple[Message, ...]
    completion: str
    split: Split
    annotator: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """One annotator's ordering of K completions of one prompt.

    places[i] is the place of completions[i]: 1 = best, equal places are ties. annotator_group: held_out
    judgments measure a reward model and never train one (Ouyang 2022, E.2).
    """

    ranking_id: str
    prompt_id: str
    messages: tuple[Message, ...]
    completions: tuple[str, ...]
    places: tuple[int, ...]
    split: Split
    annotator: str
    origin: str
    annotator_group: AnnotatorGroup = "training"


@dataclass(frozen=True, slots=True)
class Completion:
    """A completion of a prompt that waits for a score."""

    completion_id: str
    prompt_id: str
    messages: tuple[Message, ...]
    completion: str


@dataclass(frozen=True, slots=True)
class Document:
    """A text of a corpus, for pretraining and for mixing pretraining in."""

    text: str


Record = TypeVar("Record", Prompt, Demonstration, Ranking, Completion, Document)

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_COLUMN_TYPES = {"messages": _MESSAGES, "completions": pa.list_(pa.string()), "places": pa.list_(pa.int16())}


def schema_of(record_type: type[Record]) -> pa.Schema:
    """The Parquet schema of a record type; every column is required."""
    columns = record_type.__dataclass_fields__
    return pa.schema(
        [pa.field(name, _COLUMN_TYPES.get(name, pa.string()), nullable=False) for name in columns]
    )


def write_records(path: Path, records: Iterable[Record], record_type: type[Record] | None = None) -> int:
    """Write records to a Parquet file and return their number; memory stays that of one row group.

    The file appears under its name only when it is complete. `record_type` is needed for an empty iterable
    only. Raises RecordError naming the row when one breaks an invariant.
    """
    rows = iter(records)
    first = list(islice(rows, 1))
    if record_type is None and not first:
        raise RecordError(f"{path.name}: no records, and no record type to write an empty file for")
    kind = record_type or type(first[0])
    temporary = path.with_name(f".{path.name}.{os.getpid()}.writing")
    count = 0
    try:
        with pq.ParquetWriter(temporary, schema_of(kind)) as writer:
            for group in _groups(chain(first, rows)):
                for offset, record in enumerate(group):
                    if type(record) is not kind:
                        raise RecordError(f"{path.name}: row {count + offset + 1} is not a {kind.__name__}")
                    check_record(record, f"{path.name}: row {count + offset + 1}")
                writer.write_table(pa.Table.from_pylist([asdict(r) for r in group], schema=writer.schema))
                count += len(group)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def read_records(path: Path, record_type: type[Record]) -> Iterator[Record]:
    """Yield the records of a Parquet file in order, in the memory of one row group. Extra columns are
    ignored; one with a default may be missing.

    Raises RecordError when the file is not Parquet, lacks a column or holds a row that breaks an invariant.
    """
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise RecordError(f"{path.name} cannot be read as Parquet: {error}") from error
    with file:
        columns = record_type.__dataclass_fields__
        names = [name for name in columns if name in file.schema_arrow.names]
        missing = [name for name in columns if name not in names and columns[name].default is MISSING]
        if missing:
            raise RecordError(f"{path.name} lacks the column {missing[0]!r} of a {record_type.__name__}")
        number = 0
        for group in range(file.num_row_groups):
            for batch in file.iter_batches(batch_size=ROWS_PER_GROUP, row_groups=[group], columns=names):
                for row in batch.to_pylist():
                    number += 1
                    yield _record(record_type, row, f"{path.name}: row {number}")


def _groups(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records by row group."""
    group: list[Record] = []
    characters = 0
    for record in records:
        group.append(record)
        characters += len(record.text) if isinstance(record, Document) else 0
        if len(group) == ROWS_PER_GROUP or characters >= CHARACTERS_PER_GROUP:
            yield group
            group, characters = [], 0
    if group:
        yield group


def _record(record_type: type[Record], row: dict[str, Any], where: str) -> Record:
    for name, value in row.items():
        if value is None:
            raise RecordError(f"{where}: {name} is missing")
    if "messages" in row:
        row["messages"] = tuple(Message(**message) for message in row["messages"])
    for name in ("completions", "places"):
        if name in row:
            row[name] = tuple(row[name])
    record = record_type(**row)
    check_record(record, where)
    return record


def check_record(
    record: Prompt | Demonstration | Ranking | Completion | Document, where: str = "row"
) -> None:
    """Raise RecordError, beginning with `where` and the record's id, when the record breaks an invariant."""
    if isinstance(record, Document):
        if not isinstance(record.text, str) or not record.text.strip():
            raise RecordError(f"{where}: text must be text, and not empty")
        return
    identity = f"{where} ({getattr(record, next(iter(record.__dataclass_fields__)))})"
    for name in record.__dataclass_fields__:
        if _COLUMN_TYPES.get(name) is None and not isinstance(getattr(record, name), str):
            raise RecordError(f"{identity}: {name} must be text, not {getattr(record, name)!r}")
    if not record.messages:
        raise RecordError(f"{identity}: messages is empty")
    for message in record.messages:
        if not isinstance(message.role, str) or not message.role or not isinstance(message.content, str):
            raise RecordError(f"{identity}: a message needs a role and a content, both text")
    if not isinstance(record, Completion) and record.split not in SPLITS:
        raise RecordError(f"{identity}: split is {record.split!r}, allowed are {', '.join(SPLITS)}")
    if isinstance(record, Ranking):
        _check_places(record, identity)
        if record.annotator_group not in ANNOTATOR_GROUPS:
            raise RecordError(
                f"{identity}: annotator_group is {record.annotator_group!r}, "
                f"allowed are {', '.join(ANNOTATOR_GROUPS)}"
            )


def _check_places(ranking: Ranking, identity: str) -> None:
    if len(ranking.completions) < 2:
        raise RecordError(
            f"{identity}: a ranking needs at least 2 completions, it has {len(ranking.completions)}"
        )
    if any(not isinstance(completion, str) for completion in ranking.completions):
        raise RecordError(f"{identity}: every completion must be text")
    if len(ranking.places) != len(ranking.completions):
        raise RecordError(
            f"{identity}: {len(ranking.places)} places for {len(ranking.completions)} completions; "
            "each needs one"
        )
    for place in ranking.places:
        if not isinstance(place, int) or isinstance(place, bool) or place < 1:
            raise RecordError(f"{identity}: place is {place!r}, a place is a whole number from 1 (best)")
