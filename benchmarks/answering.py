"""The half of a benchmark that runs in a child: it answers requests on its standard input, one line each.

Standard library only: peers' interpreters import this too.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


class Questions:
    """The line to the benchmark. Whatever libraries print goes to standard error."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    @property
    def settings(self) -> dict[str, Any]:
        """What the benchmark said on the command line."""
        settings: dict[str, Any] = json.loads(sys.argv[1])
        return settings

    def next(self) -> dict[str, Any]:
        """Wait for a request; ends the process when the benchmark has no more."""
        line = sys.stdin.readline()
        if not line:
            os._exit(0)  # in the middle of a peer's training loop there is nobody to return to
        request: dict[str, Any] = json.loads(line)
        return request

    def answer(self, **fields: Any) -> None:
        """Answer the request, or say that the process is ready."""
        self._answers.write(json.dumps(fields) + "\n")
        self._answers.flush()


class Stopwatch:
    """Wall-clock and CPU seconds since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        return {
            "seconds": time.perf_counter() - self._wall,
            "cpu_seconds": time.process_time() - self._cpu,
        }


def peak_bytes() -> int:
    """The most memory this process has had so far (resident set)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmHWM")
