"""Restoring a backup into an instance that has nothing yet."""

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from training.backup import archive, postgres
from training.backup.archive import BackupProblem


def restore(*, file: Path) -> dict[str, Any]:
    """Bring back database and artifacts, and the database up to this version; returns the manifest.

    Verifies the whole file first. Refuses an instance that holds anything, one that others are connected to,
    and a backup of a newer version.
    """
    manifest = archive.verified_manifest(file)
    _check_version(manifest)
    artifacts = Path(settings.ARTIFACTS_DIR)
    _check_empty(artifacts)
    restoring = artifacts / ".restoring"
    shutil.rmtree(restoring, ignore_errors=True)
    restoring.mkdir(parents=True)
    try:
        archive.extract(file, dump=restoring / archive.DUMP, artifacts=restoring / archive.ARTIFACTS)
        postgres.drop_what_migrate_made()
        connection.close()
        postgres.restore(restoring / archive.DUMP)
        if (restoring / archive.ARTIFACTS).is_dir():
            for entry in (restoring / archive.ARTIFACTS).iterdir():
                entry.rename(artifacts / entry.name)
    finally:
        shutil.rmtree(restoring, ignore_errors=True)
    call_command("migrate", interactive=False, verbosity=0)
    return manifest


def _check_version(manifest: dict[str, Any]) -> None:
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    ours = {name.partition(".")[0] for name in known}
    unknown = [m for m in manifest["migrations"] if m.partition(".")[0] in ours and m not in known]
    if unknown:
        raise BackupProblem(
            f"The backup was made by Preceptor {manifest['preceptor']}, which is newer than this one "
            f"(it has {unknown[0]}): update first."
        )


def _check_empty(artifacts: Path) -> None:
    filled = postgres.rows_of_people()
    if filled:
        raise BackupProblem(
            f"This instance is not empty: its table {filled[0]} has rows. A restore replaces nothing; "
            "give it a new VAR_DIR, or an empty database by DATABASE_URL."
        )
    others = postgres.tables_of_others()
    if others:
        raise BackupProblem(
            f"This database has tables that are not Preceptor's, such as {others[0]}: give it one of its own."
        )
    present = [entry.name for entry in artifacts.iterdir()] if artifacts.is_dir() else []
    present = [name for name in present if name not in {".restoring", "lost+found"}]
    if present:
        raise BackupProblem(
            f"This instance is not empty: {artifacts} holds {present[0]}. Give it an empty ARTIFACTS_DIR."
        )
    connected = postgres.other_connections()
    if connected:
        raise BackupProblem(
            f"Others are connected to this database ({connected}): stop the web process, workers and beat, "
            "then restore."
        )
