"""The engine as a child process that cannot outlive its worker, followed through its files."""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings

PR_SET_PDEATHSIG = 1
# Niceness on a CPU, where pages stay quick beside both: people wait for what is sampled.
URGENT, LESS_URGENT = 5, 10

# The engine reads and writes files; it has no business with these.
NOT_FOR_THE_ENGINE = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE")

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def has_gpu() -> bool:
    """Whether this node has a GPU, told by its devices: the worker never loads torch."""
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/kfd").exists()


class EngineProcess:
    """One child running `python -m training.engine …` in a session of its own; its output goes to a log."""

    def __init__(self, arguments: list[str], *, log: Path, niceness: int = LESS_URGENT) -> None:
        on_cpu = not has_gpu()
        worker = os.getpid()

        def before_exec() -> None:
            # A killed worker takes its engine along. If it died before this line, nobody would tell.
            if _libc is not None:
                _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() != worker:
                    os._exit(1)
            if on_cpu:
                os.nice(niceness)

        with log.open("ab") as output:
            output.write(f"$ python -m training.engine {' '.join(arguments)}\n".encode())
            output.flush()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "training.engine", *arguments],
                cwd=settings.BASE_DIR,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=before_exec,
            )
        self.pid = self._child.pid
        self._descendants: dict[int, Any] = {}

    def exit_code(self, *, wait: float) -> int | None:
        """The exit code, negative for a signal; None when it still runs after `wait` seconds."""
        self._note_descendants()
        try:
            return self._child.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """Ask it to write a checkpoint and end."""
        self._child.terminate()

    def kill(self) -> None:
        """End it and everything it started, at once."""
        import psutil

        self._note_descendants()
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:  # all gone
            pass
        self._child.wait()
        for process in self._descendants.values():
            with suppress(psutil.NoSuchProcess):  # which it also says of a number that is another's by now
                process.kill()

    def _note_descendants(self) -> None:
        """Remember what it has started. torch's elastic agent gives each of its processes a session of its
        own: no signal to the group reaches them, and once the agent is dead nothing tells whose they were."""
        import psutil

        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.pid).children(recursive=True)
            self._descendants.update({process.pid: process for process in found})


def environment() -> dict[str, str]:
    """What the engine finds in its environment; what speeds up a CPU it sets itself."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_FOR_THE_ENGINE}
    return {**kept, "PYTHONUNBUFFERED": "1", "TQDM_DISABLE": "1"}


class LineFollower:
    """Reads the JSON lines that a file has grown by. A last line without its end waits for the rest."""

    MOST_AT_ONCE = 1_000_000

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0

    def new_lines(self) -> Iterator[list[tuple[int, Mapping[str, Any]]]]:
        """Batches of (byte offset, object), until the file has no further whole line.

        A batch counts as read once the next one is asked for: one whose use raised comes again.
        """
        while batch := self._read():
            lines, end = batch
            if lines:
                yield lines
            self._position = end

    def _read(self) -> tuple[list[tuple[int, Mapping[str, Any]]], int] | None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                chunk = file.read(self.MOST_AT_ONCE)
                if b"\n" not in chunk:
                    chunk += file.readline()
        except FileNotFoundError:
            return None
        whole = chunk[: chunk.rfind(b"\n") + 1]
        if not whole:
            return None
        lines = []
        offset = self._position
        for line in whole.splitlines(keepends=True):
            parsed = _parsed(line)
            if parsed is not None:
                lines.append((offset, parsed))
            offset += len(line)
        return lines, offset


def _parsed(line: bytes) -> Mapping[str, Any] | None:
    """A line that a kill has torn and a later attempt ended is no JSON: it says nothing."""
    try:
        parsed = json.loads(line)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None
