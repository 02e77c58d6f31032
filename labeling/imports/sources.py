"""Whatever an import reads from, as one row after the other: one file, or the files of a folder in turn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labeling.imports.files import FileDescription, Place, RawRow, describe_text, text_rows
from labeling.imports.folders import TABLES
from labeling.imports.tables import describe_table, left_out_of, table_rows


@dataclass(frozen=True)
class SourceFile:
    """name: as the team sees it. part: of the dataset. path: below the transfer's directory."""

    name: str
    part: str
    path: str
    size: int
    description: FileDescription
    left_out: tuple[str, ...] = ()  # columns that hold no text

    def as_json(self) -> dict[str, Any]:
        described = self.description
        return {
            "name": self.name,
            "part": self.part,
            "path": self.path,
            "size": self.size,
            "format": described.format,
            "columns": list(described.columns),
            "start": [described.start.offset, described.start.line],
            "delimiter": described.delimiter,
            "has_mark": described.has_mark,
            "left_out": list(self.left_out),
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "SourceFile":
        description = FileDescription(
            kept["format"],
            tuple(kept["columns"]),
            Place(*kept["start"]),
            kept["delimiter"],
            kept["has_mark"],
        )
        return cls(
            kept["name"], kept["part"], kept["path"], kept["size"], description, tuple(kept["left_out"])
        )


def look_at(directory: Path, *, name: str, part: str, path: str, format: str) -> SourceFile:
    """Raises FileRefused for a file that cannot be read, or has no row."""
    file = directory / path
    if format in TABLES:
        description, left_out = describe_table(file, format), left_out_of(file, format)
    else:
        description, left_out = describe_text(file, format), ()
    return SourceFile(name, part, path, file.stat().st_size, description, left_out)


def rows(directory: Path, files: Sequence[SourceFile], since: Place | None = None) -> Iterator[RawRow]:
    """The rows of all files from a place on; a row's place tells the file's number. Raises FileRefused."""
    for number, file in enumerate(files):
        if since is not None and number < since.file:
            continue
        description = file.description
        begin = Place(description.start.offset, description.start.line, number)
        place = since if since is not None and since.file == number else begin
        read = table_rows if description.format in TABLES else text_rows
        yield from read(directory / file.path, description, place)


def bytes_before(files: Sequence[SourceFile], place: Place) -> int:
    """How much of all files lies before a place."""
    return sum(file.size for file in files[: place.file]) + place.offset
