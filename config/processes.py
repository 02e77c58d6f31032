"""Child processes, each in a session of its own with its output in a file. Knows nothing of what they do."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LARGEST_LOG = 20_000_000
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class ProcessFailed(Exception):
    """A child ended or did not answer; the message says which, and carries the end of its log."""


class Process:
    """One program that is started, watched and stopped.

    A session of its own keeps the terminal's Ctrl-C away from it: only we decide when it stops. Should we
    ourselves be killed, the kernel sends it its stop signal.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        cwd: Path,
        environment: Mapping[str, str],
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace_seconds: float = 30,
    ) -> None:
        self.name = name
        self.command = [str(part) for part in command]
        self.log = log
        self.cwd = cwd
        self.environment = environment
        self.user = user
        self.stop_signal = stop_signal
        self.grace_seconds = grace_seconds
        self.started_at = 0.0
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs, or before it was started."""
        return self._child.poll() if self._child else None

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.cwd,
                env=dict(self.environment),
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
                start_new_session=True,
                preexec_fn=_die_with_parent(self.stop_signal),
            )
        self.started_at = time.monotonic()

    def ask_to_stop(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(self.stop_signal)

    def wait_for_end(self, deadline: float) -> bool:
        """Wait until time.monotonic() passes the deadline; then end whatever is left of its process group."""
        ended = True
        if self._child is not None:
            try:
                self._child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                ended = False
            self.end_remains()
        return ended

    def stop(self) -> bool:
        """Ask, wait for the grace time, kill. True when the asking was enough."""
        self.ask_to_stop()
        return self.wait_for_end(time.monotonic() + self.grace_seconds)

    def end_remains(self) -> None:
        """Kill the members of its process group that outlived it (or all of it)."""
        if self._child is None:
            return
        try:
            os.killpg(self._child.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._child.wait(10)

    def log_tail(self, lines: int = 12) -> str:
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 16_000))
                tail = log.read().decode(errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            return ""
        return "\n".join(f"    {line}" for line in tail)


def _die_with_parent(with_signal: signal.Signals) -> Callable[[], None]:
    def ask_the_kernel() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(with_signal))

    return ask_the_kernel
