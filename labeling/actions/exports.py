"""Exports: asked for, written by a worker, cancelled, deleted."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from labeling import exports, transitions
from labeling.actions import audit
from labeling.actions.transfers import (
    Cancelled,
    Pulse,
    Superseded,
    beating,
    cancel_transfer,
    claim_transfer,
    end_transfer,
    ring_transfer,
)
from labeling.errors import Conflict, DomainError
from labeling.models import Membership, Project, Prompt, Submission, Transfer, User

ARCHIVE = "all.zip"
MANIFEST = "manifest.json"
FORMATS = (Transfer.Format.JSONL, Transfer.Format.PARQUET)
KNOWN_VALUES = {
    "splits": Prompt.Split.values,
    "categories": Prompt.Category.values,
    "origins": Submission.Origin.values,
    "roles": Membership.Role.values,
}
OF_JUDGMENTS = ("origins", "round", "roles", "with_returned")
LICENCE_NOTE = (
    "Texts by the people and models of this project. No licence is granted by this file: what may be done "
    "with them follows from what the people agreed to, from the sources of the prompts and from the licences "
    "of the models. People appear under pseudonyms; what they wrote may still tell who they are."
)


@transaction.atomic
def start_export(
    *, project: Project, user: User | None, content: str, format: str, filters: exports.Filters
) -> Transfer:
    """Have a worker write the record, as it is when the worker comes to it, to files in a trainer's columns.

    Refuses unknown values, filters that the content does not know, and an export of nothing.
    """
    _check_kind(content, format)
    _check_filters(content, filters)
    if not exports.source_of(content).count(project, filters):
        raise DomainError(
            "nothing_to_export",
            _("Nothing is there to export with these filters. Collect some, or widen them."),
        )
    transfer = Transfer.objects.create(
        project=project,
        direction=Transfer.Direction.EXPORT,
        content=content,
        format=format,
        options=filters.as_options(),
        created_by=user,
    )
    transitions.record_transfer(transfer, actor=user)
    data = {"content": content, "format": format, "filters": transfer.options}
    audit.record("export_started", actor=user, project=project, subject=transfer, data=data)
    ring_transfer(transfer)
    return transfer


def run_export(*, transfer_id: int) -> None:
    """Write the files of an export that waits; does nothing when another worker has it, or it is over.

    They are seen when they are complete: what was half written is never served. A full disk, or an export
    that turns out to have no row, fails it with the reason.
    """
    transfer = claim_transfer(transfer_id=transfer_id, direction=Transfer.Direction.EXPORT)
    if transfer is None:
        return
    try:
        with beating(transfer) as pulse:
            counts = _write(transfer, pulse)
            pulse.beat()
        os.rename(_partial(transfer), _final(transfer))
        end_transfer(
            transfer=transfer,
            to=Transfer.Status.SUCCEEDED,
            path=str(_final(transfer).relative_to(settings.ARTIFACTS_DIR)),
            counts=counts,
        )
    except Superseded:
        _remove_files_of(transfer)
    except Cancelled:
        _end_without_files(transfer, Transfer.Status.CANCELLED)
    except (DomainError, OSError) as error:
        _end_without_files(transfer, Transfer.Status.FAILED, error=str(error))
    except OperationalError:  # the database is away: the sweep puts the export back
        raise
    except Exception:
        said = _("It broke off by a mistake in the program. The worker's log says where.")
        _end_without_files(transfer, Transfer.Status.FAILED, error=said)
        raise


def cancel_export(*, transfer: Transfer, actor: User | None) -> Transfer:
    """Stop it: at once while it waits, soon while a worker is at it. Refuses one that is over (Conflict)."""
    return cancel_transfer(transfer=transfer, actor=actor)


@transaction.atomic
def delete_export_files(*, transfer: Transfer) -> None:
    """Free the disk. That it was made, by whom and with which filters stays on record."""
    transfer = Transfer.objects.select_for_update().get(pk=transfer.pk)
    if not transfer.is_over:
        raise Conflict("export_is_not_over", _("It is still being written. Cancel it first."))
    Transfer.objects.filter(pk=transfer.pk).update(path="")
    transaction.on_commit(lambda: shutil.rmtree(_directory(transfer), ignore_errors=True))


def _check_kind(content: str, format: str) -> None:
    if content not in exports.COLUMNS:
        raise DomainError("unknown_content", _("An export is one of %s.") % ", ".join(exports.COLUMNS))
    if format not in FORMATS:
        raise DomainError("unknown_format", _("A format is one of %s.") % ", ".join(FORMATS))


def _check_filters(content: str, filters: exports.Filters) -> None:
    for name, known in KNOWN_VALUES.items():
        if unknown := sorted(set(getattr(filters, name)) - set(known)):
            message = _("%(name)s: %(value)r is not known. Choose from %(known)s.")
            said = message % {"name": name, "value": unknown[0], "known": ", ".join(known)}
            raise DomainError(f"unknown_{name}", said, {name: said})
    if filters.since and filters.until and filters.since >= filters.until:
        said = _("The end lies before the beginning.")
        raise DomainError("bad_period", said, {"until": said})
    given = [name for name in OF_JUDGMENTS if getattr(filters, name)]
    if content == Transfer.Content.PROMPTS and given:
        said = _("Prompts are no judgments: leave this filter empty.")
        raise DomainError("filter_of_judgments", said, dict.fromkeys(given, said))


def _write(transfer: Transfer, pulse: Pulse) -> dict[str, Any]:
    """Data, manifest and, of several files, the archive, below the attempt's own directory; the counts."""
    directory = _partial(transfer)
    shutil.rmtree(_directory(transfer), ignore_errors=True)  # of an attempt that died
    directory.mkdir(parents=True)
    source, filters = exports.source_of(transfer.content), exports.Filters.from_options(transfer.options)
    with exports.one_state_of_the_database():
        taken_at = _database_time()
        pulse.total = source.count(transfer.project, filters)
        groups = _watched(source.groups(transfer.project, filters), pulse)
        files = exports.write_files(directory, groups, content=transfer.content, format=transfer.format)
    if not files:
        raise DomainError("no_rows", _("No row came out: what was found holds ties only, or is gone."))
    manifest = _manifest(transfer, files, taken_at, judgments=pulse.done)
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (directory / MANIFEST).write_text(text + "\n", encoding="utf-8")
    offered = [asdict(file) for file in files]
    if len(files) > 1:
        pulse.check()
        paths = [directory / name for name in (*(file.name for file in files), MANIFEST)]
        offered.append(asdict(exports.write_archive(directory / ARCHIVE, paths, folder=folder_of(transfer))))
    return {"rows": manifest["rows"], "judgments": pulse.done, "files": offered}


def _watched(groups: Iterator[list[Any]], pulse: Pulse) -> Iterator[list[Any]]:
    for group in groups:
        pulse.check()
        yield group
        pulse.done += 1


def _manifest(
    transfer: Transfer, files: Sequence[exports.FileFacts], taken_at: datetime, *, judgments: int
) -> dict[str, Any]:
    return {
        "schema_version": exports.SCHEMA_VERSION,
        "export": str(transfer.public_id),
        "project": str(transfer.project.public_id),
        "content": transfer.content,
        "format": transfer.format,
        "taken_at": taken_at.isoformat(),
        "filters": transfer.options,
        "read": judgments,
        "rows": {Path(file.name).stem: file.rows for file in files},
        "files": {file.name: {"bytes": file.bytes, "sha256": file.sha256} for file in files},
        "columns": {column.name: column.meaning for column in exports.COLUMNS[transfer.content]},
        "licence": LICENCE_NOTE,
    }


def folder_of(transfer: Transfer) -> str:
    """What a download is called: nothing of it was typed by a person."""
    return f"{transfer.content}-{transfer.created_at:%Y%m%d-%H%M}"


def _end_without_files(transfer: Transfer, to: Transfer.Status, **fields: Any) -> None:
    _remove_files_of(transfer)
    try:
        end_transfer(transfer=transfer, to=to, **fields)
    except Superseded:  # whoever took over decides how it ends
        return


def _remove_files_of(transfer: Transfer) -> None:
    """This attempt's alone: another may be writing beside it."""
    for directory in (_partial(transfer), _final(transfer)):
        shutil.rmtree(directory, ignore_errors=True)


def _directory(transfer: Transfer) -> Path:
    return Path(settings.ARTIFACTS_DIR) / "transfers" / str(transfer.pk)


def _final(transfer: Transfer) -> Path:
    return _directory(transfer) / f"attempt-{transfer.attempt}"


def _partial(transfer: Transfer) -> Path:
    return _directory(transfer) / f"attempt-{transfer.attempt}.partial"


def _database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        moment: datetime = cursor.fetchone()[0]
    return moment
