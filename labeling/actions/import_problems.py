"""The broken rows of an import: the first ones in its row, for the page; all of them in a file beside it.

The row says how much of the file holds: what a killed worker wrote behind that is cut off by the next one.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from labeling.models import Transfer

MOST_SHOWN = 1000
MOST_KEPT = 1_000_000  # with their reasons; the rest is counted


@dataclass(frozen=True, order=True)
class Problem:
    """file: its number, for the order; name: what it is called, empty when there is but one."""

    file: int
    line: int
    reason: str
    name: str = ""

    def as_json(self) -> dict[str, Any]:
        told = {"line": self.line, "reason": self.reason}
        return told | {"file": self.name} if self.name else told


def forget_problems(transfer: Transfer) -> None:
    """Before a file is read from its beginning."""
    transfer.problems = []
    transfer.counts.pop("problems", None)
    _file_of(transfer).unlink(missing_ok=True)


def keep_problems(transfer: Transfer, problems: Sequence[Problem]) -> None:
    """Add to both; the caller saves the row, which it has locked."""
    if not problems:
        return
    kept = transfer.counts.get("problems", {"n": 0, "bytes": 0})
    path = _file_of(transfer)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(kept["bytes"])
        file.seek(kept["bytes"])
        written = problems[: MOST_KEPT - kept["n"]]
        for problem in written:
            file.write(json.dumps(problem.as_json(), ensure_ascii=False).encode() + b"\n")
        transfer.counts["problems"] = {"n": kept["n"] + len(written), "bytes": file.tell()}
    transfer.problems += [problem.as_json() for problem in problems[: MOST_SHOWN - len(transfer.problems)]]


def problems_of(transfer: Transfer) -> Iterator[dict[str, Any]]:
    """All that are kept, in the order of the rows."""
    kept = transfer.counts.get("problems")
    path = _file_of(transfer)
    if kept is None or not path.exists():
        yield from transfer.problems
        return
    with path.open("rb") as file:
        for line in islice(file, kept["n"]):
            yield json.loads(line)


def _file_of(transfer: Transfer) -> Path:
    return transfer.directory / "problems.jsonl"
