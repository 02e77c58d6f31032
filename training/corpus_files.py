"""A text corpus in a file of others: JSONL or Parquet with the column text, document by document, in constant
memory; what is wrong with a line, in a sentence."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from labeling.errors import DomainError

FORMATS = (".jsonl", ".ndjson", ".parquet")
LONGEST_LINE = 16_000_000  # bytes
ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class Line:
    """A document, or why there is none on this line (in Parquet: row). done: bytes read of the file."""

    number: int
    text: str
    problem: str
    done: int


class CorpusRefused(DomainError):
    """The file as a whole cannot be read; the message says what to change."""

    def __init__(self, message: str) -> None:
        super().__init__("bad_corpus", message, {"file": message})


def check_name(name: str) -> None:
    """Raise CorpusRefused for a name that is neither JSONL's nor Parquet's."""
    if Path(name).suffix.lower() not in FORMATS:
        raise CorpusRefused(_("Choose a file whose name ends in .jsonl or .parquet."))


def lines(path: Path) -> Iterator[Line]:
    """Every document of the file, and every broken line; blank lines are left out. Raises CorpusRefused."""
    return _parquet_lines(path) if path.suffix.lower() == ".parquet" else _jsonl_lines(path)


def _jsonl_lines(path: Path) -> Iterator[Line]:
    done = number = 0
    with path.open("rb") as file:
        while raw := file.readline(LONGEST_LINE + 1):
            number += 1
            done += len(raw)
            is_too_long = len(raw) > LONGEST_LINE
            while is_too_long and not raw.endswith(b"\n") and (raw := file.readline(LONGEST_LINE)):
                done += len(raw)
            if is_too_long:
                yield Line(number, "", _("It is longer than 16 MB; cut it into several documents."), done)
            elif raw.strip():
                text, problem = _json_text(raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw)
                yield Line(number, text, problem, done)


def _json_text(raw: bytes) -> tuple[str, str]:
    """(text, "") or ("", what is wrong)."""
    try:
        row = json.loads(raw.decode())
    except UnicodeDecodeError as error:
        return "", _("It is not UTF-8 (byte %s of the line).") % (error.start + 1)
    except json.JSONDecodeError as error:
        return "", _("It is no JSON: column %s is not as expected.") % error.colno
    except (ValueError, RecursionError):
        return "", _("Its JSON has a number or a nesting that cannot be kept.")
    if not isinstance(row, dict) or "text" not in row:
        return "", _('It is no JSON object with a text, such as {"text": "…"}.')
    return _checked(row["text"])


def _parquet_lines(path: Path) -> Iterator[Line]:
    try:
        with pq.ParquetFile(path) as file:
            if "text" not in file.schema_arrow.names:
                raise CorpusRefused(_("The file has no column named text."))
            size, rows = path.stat().st_size, max(1, file.metadata.num_rows)
            number = 0
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=["text"]):
                for value in batch.column(0).to_pylist():
                    number += 1
                    yield Line(number, *_checked(value), size * number // rows)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise CorpusRefused(_("The file cannot be read as Parquet: %s") % error) from error


def _checked(text: Any) -> tuple[str, str]:
    if not isinstance(text, str):
        return "", _("Its text is no text.")
    if not text.strip():
        return "", _("Its text is empty.")
    if any("\ud800" <= c <= "\udfff" for c in text):
        return "", _("There is half a character (a lone surrogate) in it.")
    return text, ""
