"""Making a backup of the database and the artifacts, also while the site is in use."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model

from labeling.models import Project, Submission, Transfer, User
from training.backup import postgres
from training.backup.archive import DUMP, BackupProblem, artifact_files, new_archive
from training.models import ModelVersion, Run, Snapshot

# Directories among the artifacts that bear the number of a row.
NUMBERED: dict[str, type[Model]] = {"runs": Run, "snapshots": Snapshot, "transfers": Transfer}


@dataclass
class Backup:
    """What was made, and what is not in it."""

    file: Path
    counts: dict[str, int]
    artifacts: int
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Record:
    """The database at one moment: its dump, and what its rows say of files."""

    description: dict[str, Any]
    numbered: dict[str, set[str]]
    elsewhere: list[str]


def back_up(*, directory: Path) -> Backup:
    """Write one file into the directory; it appears there when it is whole.

    The database first, at one moment; then the artifacts: what a row names was finished before the row was
    written. Files may be newer than the rows, so directories that bear the number of no row stay out: the
    run that gets the same number later must not find them.
    """
    if not connection.introspection.table_names():
        raise BackupProblem("This database has no tables yet: there is nothing to back up.")
    artifacts = Path(settings.ARTIFACTS_DIR)
    if directory.resolve().is_relative_to(artifacts.resolve()):
        raise BackupProblem(f"{directory} lies among the artifacts it would hold: set BACKUP_DIR elsewhere.")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    made_at = datetime.now(UTC)
    final = directory / f"preceptor-{made_at:%Y%m%dT%H%M%S}Z.tar"
    partial, dump = final.with_suffix(".tar.partial"), final.with_suffix(".dump.partial")
    try:
        _touch_private(dump)
        record = _dump(dump)
        with os.fdopen(_touch_private(partial), "wb") as file:
            archive = new_archive(file)
            archive.add(dump, DUMP)
            left_out = list(record.elsewhere)
            for path, name in artifact_files(artifacts, left_out):
                if _belongs(path.relative_to(artifacts), record.numbered):
                    archive.add(path, name)
            archive.close({"made_at": made_at.isoformat(timespec="seconds"), **record.description})
            file.flush()
            os.fsync(file.fileno())
        partial.replace(final)
    finally:
        partial.unlink(missing_ok=True)
        dump.unlink(missing_ok=True)
    return Backup(final, record.description["counts"], len(archive.files) - 1, left_out)


def _touch_private(path: Path) -> int:
    """All judgments and the hashes of passwords: only the owner may read it, from the first byte on."""
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise BackupProblem(f"{path} is there: another backup started in this second. Try again.") from error


@transaction.atomic
def _dump(target: Path) -> Record:
    """The dump, and the counts beside it, of one snapshot of the database."""
    with connection.cursor() as cursor:
        if not connection.savepoint_ids:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot(), current_setting('server_version')")
        snapshot, server = cursor.fetchone()
    counts = {
        "people": User.objects.count(),
        "projects": Project.objects.count(),
        "submissions": Submission.objects.count(),
        "snapshots": Snapshot.objects.count(),
        "runs": Run.objects.count(),
        "models": ModelVersion.objects.count(),
    }
    applied = MigrationRecorder(connection).applied_migrations()
    description = {
        "preceptor": metadata.version("preceptor"),
        "postgresql": server,
        "pg_dump": postgres.dump(target, snapshot=snapshot),
        "migrations": sorted(f"{app}.{name}" for app, name in applied),
        "counts": counts,
    }
    elsewhere = [
        f"{version.path} of {version} lies outside ARTIFACTS_DIR"
        for version in ModelVersion.objects.filter(path__startswith="/")
    ]
    return Record(description, {name: _numbers(model) for name, model in NUMBERED.items()}, elsewhere)


def _numbers(model: type[Model]) -> set[str]:
    return {str(pk) for pk in model._default_manager.values_list("pk", flat=True)}


def _belongs(path: Path, numbered: dict[str, set[str]]) -> bool:
    return path.parts[0] not in numbered or path.parts[1] in numbered[path.parts[0]]
