"""A PostgreSQL server for both sides of the queue benchmark, in a directory that is deleted afterwards.

Not the private one: Label Studio wants the extension pg_trgm, which that package has not got.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

PLACES = "/usr/lib/postgresql"  # of Debian and Ubuntu
START_SECONDS = 60


@dataclass(frozen=True)
class Database:
    socket: Path
    pid: int

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/preceptor?host={self.socket}&port=5432"


def programs() -> Path:
    """Where the newest PostgreSQL of the system is; ends with one line where there is none."""
    found = sorted(Path(PLACES).glob("*/bin/postgres"), key=lambda path: int(path.parent.parent.name))
    if not found:
        sys.exit("Label Studio needs a PostgreSQL with pg_trgm: apt-get install postgresql")
    return found[-1].parent


@contextmanager
def running_postgres() -> Iterator[Database]:
    """With its own defaults, on the cores that this thread may use now."""
    directory = Path(tempfile.mkdtemp(prefix="queue-postgres-"))
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to be root's
    if user:
        os.chown(directory, pwd.getpwnam(user).pw_uid, -1)
    data, bin_ = directory / "data", programs()
    with (directory / "log").open("wb") as log:
        make: list[str | Path] = [
            bin_ / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]
        subprocess.run(make, check=True, stdout=log, stderr=log, user=user, cwd=directory)
        server = subprocess.Popen(
            [bin_ / "postgres", "-D", data, "-h", "", "-k", directory, "-p", "5432"],
            stdout=log,
            stderr=log,
            user=user,
            cwd=directory,
            start_new_session=True,
        )
    try:
        database = Database(directory, server.pid)
        _make_database(database, "preceptor")
        yield database
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)
        shutil.rmtree(directory, ignore_errors=True)


def _make_database(database: Database, name: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connection = psycopg2.connect(database.url.replace("/preceptor?", "/postgres?"))
            break
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
