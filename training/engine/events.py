"""events.jsonl: what a run tells the world, one JSON object a line; the same in words on standard output.

Standard library only.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class EventLog:
    """Appends events of one attempt. One O_APPEND write a line, so that a reader never sees two lines
    mixed."""

    def __init__(
        self,
        path: Path,
        *,
        attempt: int,
        also: Callable[[int, Mapping[str, float]], None] = lambda _step, _values: None,
    ) -> None:
        """also: who else is told the numbers of each step."""
        self.attempt = attempt
        self._also = also
        torn = path.exists() and path.stat().st_size > 0 and path.read_bytes()[-1:] != b"\n"
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if torn:  # an attempt was killed in the middle of a line: the next event starts a line of its own
            os.write(self._file, b"\n")

    def progress(self, done: int, total: int, unit: str) -> None:
        """How far the run is, for a progress bar."""
        self._write("progress", done=done, total=total, unit=unit)

    def metrics(self, step: int, values: dict[str, float]) -> None:
        """Numbers of one step. JSON has no nan: what is not finite is left out, and a message names it."""
        finite = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        if len(finite) < len(values):
            names = ", ".join(sorted(set(values) - set(finite)))
            self.message(f"step {step}: not a finite number: {names}", level="warning")
        self._write("metrics", step=step, values=finite)
        self._also(step, finite)
        print(
            f"step {step}: " + ", ".join(f"{name} {value:.4g}" for name, value in finite.items()), flush=True
        )

    def message(self, text: str, *, level: str = "info") -> None:
        """A sentence for the run's log; level is info or warning."""
        self._write("message", level=level, text=text)
        print(f"{level}: {text}", flush=True)

    def text(self, step: int, prompt: str, completion: str, score: float | None) -> None:
        """One text sampled while training."""
        self._write("text", step=step, prompt=prompt, completion=completion, score=score)

    def error(self, code: str, text: str) -> None:
        """Why the run ends without a result, and what to do."""
        self._write("error", code=code, text=text)

    def _write(self, kind: str, **fields: Any) -> None:
        event = {"time": time.time(), "attempt": self.attempt, "type": kind, **fields}
        line = (json.dumps(event) + "\n").encode()
        before = os.fstat(self._file).st_size
        try:
            while line:  # a disk takes the part of a line for which it has room, and refuses the rest
                line = line[os.write(self._file, line) :]
        except OSError:
            os.ftruncate(self._file, before)  # so that the next event has a line of its own
            raise


def read_events(path: Path) -> list[dict[str, Any]]:
    """Every whole event of a file; torn lines are skipped, a missing file is empty."""
    if not path.exists():
        return []
    events = []
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            event = json.loads(line)
        except json.JSONDecodeError:  # a line torn by a kill
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


def next_attempt(path: Path) -> int:
    """One more than the last attempt that wrote to the file; 1 for a new run."""
    return 1 + max((int(event.get("attempt", 0)) for event in read_events(path)), default=0)
