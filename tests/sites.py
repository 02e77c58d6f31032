"""Sites of their own for tests: `manage.py up` in a directory, on a port."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

BASE_DIR = Path(__file__).resolve().parent.parent
NOT_FOR_IT = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ARTIFACTS_DIR", "DJANGO_SETTINGS_MODULE"}


@dataclass
class Site:
    """One VAR_DIR and what runs from it."""

    var_dir: Path
    port: int
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in NOT_FOR_IT}
        own = {"VAR_DIR": str(self.var_dir), "PORT": str(self.port), "PRECEPTOR_STARTER": "off"}
        return kept | own | more

    def up(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=BASE_DIR,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def manage(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def processes(self) -> dict[int, str]:
        """Every living process that was started for this directory, by its environment or its arguments."""
        mark = os.fsencode(self.var_dir)
        return {pid: command for pid, command in living_processes(mark) if pid != os.getpid()}

    def kill_everything(self) -> None:
        for process in self.started:
            process.kill()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def living_processes(mark: bytes) -> Iterator[tuple[int, str]]:
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            command = (directory / "cmdline").read_bytes()
            environment = (directory / "environ").read_bytes()
            state = (directory / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and (mark in command or mark in environment):
            yield int(directory.name), command.replace(b"\0", b" ").decode(errors="replace")


def wait_for_line(process: subprocess.Popen[str], words: str, *, seconds: float = 40) -> str:
    """What it printed until then."""
    deadline = time.monotonic() + seconds
    printed = ""
    assert process.stdout is not None
    for line in process.stdout:
        printed += line
        if words in line:
            return printed
        if time.monotonic() > deadline:
            break
    pytest.fail(f"{words!r} never came:\n{printed}")


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> str:
    process.send_signal(number)
    return process.communicate(timeout=50)[0]
