"""Finished pieces of work, one JSON object a line: what a later attempt need not do again. Standard library
only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any


class Journal:
    """A file of lines that grows while a run works; `rows` are those that are there.

    A last line torn by a kill is cut off when the file is opened: its work is done again.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.ftruncate(self._file, len(whole))
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in whole.splitlines()]

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows; they are in the file, whatever becomes of this process, when it returns."""
        added = [dict(row) for row in rows]
        lines = "".join(json.dumps(row) + "\n" for row in added).encode()
        while lines:  # a disk that is nearly full takes a part, then refuses
            lines = lines[os.write(self._file, lines) :]
        self.rows += added

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.fsync(self._file)
        os.close(self._file)
