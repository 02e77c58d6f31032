"""Writes the rows of an export, one file per split, as they come; memory stays that of one group of rows."""

import hashlib
import json
import zipfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from labeling.exports.columns import COLUMNS, schema_of
from labeling.exports.rows import Row
from labeling.models import Prompt, Transfer

ROWS_PER_GROUP = 500
# Characters that Unicode calls line ends but JSONL does not: readers that split by line would break the row.
LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


@dataclass(frozen=True, slots=True)
class FileFacts:
    name: str
    rows: int
    bytes: int
    sha256: str


class Writer(Protocol):
    rows: int

    def write(self, rows: list[Row]) -> None: ...

    def close(self) -> None: ...


class JsonLines:
    """One JSON object a line, UTF-8, columns in order."""

    def __init__(self, path: Path, content: str) -> None:
        self.names = [column.name for column in COLUMNS[content]]
        self.file = path.open("w", encoding="utf-8", newline="\n")
        self.rows = 0

    def write(self, rows: list[Row]) -> None:
        for row in rows:
            line = json.dumps({name: row[name] for name in self.names}, ensure_ascii=False)
            self.file.write(line.translate(LINE_ENDS) + "\n")
        self.rows += len(rows)

    def close(self) -> None:
        self.file.close()


class Parquet:
    """Row groups of ROWS_PER_GROUP, compressed by zstd."""

    def __init__(self, path: Path, content: str) -> None:
        self.writer = pq.ParquetWriter(path, schema_of(content), compression="zstd")
        self.waiting: list[Row] = []
        self.rows = 0

    def write(self, rows: list[Row]) -> None:
        self.waiting += rows
        self.rows += len(rows)
        if len(self.waiting) >= ROWS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self.writer.close()

    def _flush(self) -> None:
        if self.waiting:
            self.writer.write_table(pa.Table.from_pylist(self.waiting, schema=self.writer.schema))
            self.waiting = []


WRITERS: dict[str, type[JsonLines] | type[Parquet]] = {
    Transfer.Format.JSONL: JsonLines,
    Transfer.Format.PARQUET: Parquet,
}


def write_files(
    directory: Path, groups: Iterable[list[Row]], *, content: str, format: str
) -> list[FileFacts]:
    """Write every row to the file of its split, such as train.jsonl; the files in the order of the splits.

    groups: rows of one prompt each, hence of one split. A split without rows has no file.
    """
    writers: dict[str, Writer] = {}
    with ExitStack() as stack:
        for rows in groups:
            if not rows:
                continue
            split = rows[0]["split"]
            if split not in writers:
                writers[split] = WRITERS[format](directory / f"{split}.{format}", content)
                stack.callback(writers[split].close)
            writers[split].write(rows)
    return [
        _facts(directory / f"{split}.{format}", writers[split].rows)
        for split in Prompt.Split.values
        if split in writers
    ]


def write_archive(path: Path, files: Iterable[Path], *, folder: str) -> FileFacts:
    """All files in one, unpacked into a folder of their own, which `datasets.load_dataset` opens by name."""
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in files:
            # Parquet is compressed already.
            how = zipfile.ZIP_STORED if file.suffix == ".parquet" else zipfile.ZIP_DEFLATED
            archive.write(file, f"{folder}/{file.name}", compress_type=how)
    return _facts(path, rows=0)


def sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _facts(path: Path, rows: int) -> FileFacts:
    return FileFacts(path.name, rows, path.stat().st_size, sha256_of(path))
