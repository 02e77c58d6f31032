"""Imports of prompts as managers see them: uploaded and looked at, then confirmed, perhaps cancelled."""

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.actions import audit
from labeling.actions.prompts import checked_messages
from labeling.actions.transfers import cancel_transfer, end_transfer, ring_transfer
from labeling.actions.uploads import keep_upload
from labeling.errors import Conflict, DomainError
from labeling.imports.files import FileDescription, FileRefused, Place, RawRow, RowProblem, describe, rows
from labeling.imports.rows import FIELDS, PromptFields, prompt_fields, usual_mapping
from labeling.models import Project, Transfer, User

# What is looked at before anything is written; the rest is judged when it is read in.
MOST_ROWS_CHECKED = 50_000
MOST_BYTES_CHECKED = 32_000_000
MOST_PROBLEMS = 1000  # kept with their reasons; the rest is counted
FORMATS = {".jsonl": Transfer.Format.JSONL, ".ndjson": Transfer.Format.JSONL, ".csv": Transfer.Format.CSV}


@transaction.atomic
def upload_import(
    *, project: Project, actor: User | None, file_name: str, chunks: Iterable[bytes]
) -> Transfer:
    """Keep a file of prompts and look at it; nothing is read in before `start_import`.

    Refuses (FileRefused) a name that is neither JSONL nor CSV, a file over the site's limit, another
    encoding than UTF-8, and a file without rows.
    """
    format = FORMATS.get(Path(file_name).suffix.lower())
    if format is None:
        raise FileRefused(_("Choose a file whose name ends in .jsonl or .csv."))
    transfer = Transfer.objects.create(
        project=project,
        direction=Transfer.Direction.IMPORT,
        content=Transfer.Content.PROMPTS,
        format=format,
        status=Transfer.Status.UPLOADED,
        created_by=actor,
    )
    transfer.path = f"transfers/{transfer.pk}/source.{format}"
    try:
        size = keep_upload(
            file_of(transfer),
            chunks,
            refused=FileRefused,
            too_large=_("The file is larger than %s MB, this site's limit. Import it in parts."),
        )
        description = describe(file_of(transfer), format)
    except DomainError:
        shutil.rmtree(transfer.directory, ignore_errors=True)
        raise
    transfer.options = {
        "file_name": Path(file_name).name[:200],
        "size": size,
        "columns": list(description.columns),
        "delimiter": description.delimiter,
        "start": [description.start.offset, description.start.line],
        "has_mark": description.has_mark,
        "mapping": usual_mapping(description.columns),
        "language": project.languages[0],
        "ask_for_demonstrations": True,
    }
    _check(transfer)
    transfer.save()
    return transfer


@transaction.atomic
def map_import(
    *, transfer: Transfer, mapping: Mapping[str, str], language: str, ask_for_demonstrations: bool
) -> Transfer:
    """Say which column holds which field, and look at the file again.

    Refuses unknown columns, one column for two fields, and a mapping that finds no prompt.
    """
    transfer = _unconfirmed(transfer)
    chosen = {field: column for field, column in mapping.items() if field in FIELDS and column}
    fields = {
        field: _("There is no column “%s”.") % column
        for field, column in chosen.items()
        if column not in transfer.options["columns"]
    }
    for column, n in Counter(chosen.values()).items():
        if n > 1:
            twice = [field for field, name in chosen.items() if name == column]
            fields[twice[-1]] = _("The column “%s” is taken already.") % column
    if not {"prompt", "messages"} & set(chosen):
        fields["prompt"] = _("Choose the column that holds the prompt, or the messages.")
    if language not in transfer.project.languages:
        fields["language"] = _("%s is not a language of the project.") % language
    if fields:
        raise DomainError("bad_mapping", _("The columns cannot be read like this."), fields)
    transfer.options |= {
        "mapping": chosen,
        "language": language,
        "ask_for_demonstrations": ask_for_demonstrations,
    }
    _check(transfer)
    transfer.save()
    return transfer


@transaction.atomic
def start_import(*, transfer: Transfer, actor: User | None) -> Transfer:
    """Confirm: a worker reads the file in. Refuses what is confirmed or over, or finds no prompt."""
    transfer = _unconfirmed(transfer)
    if not {"prompt", "messages"} & set(transfer.options["mapping"]):
        message = _("Choose the column that holds the prompt, or the messages.")
        raise DomainError("bad_mapping", message, {"prompt": message})
    transitions.change_transfer(
        transfer,
        Transfer.Status.QUEUED,
        actor=actor,
        counts={},
        problems=[],
        progress_total=transfer.options["size"],
    )
    data = {"file": transfer.options["file_name"], "bytes": transfer.options["size"]}
    audit.record("import_started", actor=actor, project=transfer.project, subject=transfer, data=data)
    ring_transfer(transfer)
    return transfer


@transaction.atomic
def cancel_import(*, transfer: Transfer, actor: User | None) -> Transfer:
    """Stop it between two batches, or drop an upload. What was read in stays. Refuses one that is over."""
    locked = Transfer.objects.select_for_update().get(pk=transfer.pk)
    if locked.status != Transfer.Status.UPLOADED:
        return cancel_transfer(transfer=locked, actor=actor)
    end_transfer(transfer=locked, to=Transfer.Status.CANCELLED, actor=actor, cancel_requested_at=Now())
    directory = locked.directory
    transaction.on_commit(lambda: shutil.rmtree(directory, ignore_errors=True))
    return locked


def preview_of(transfer: Transfer, *, count: int = 5) -> list[tuple[int, PromptFields | str]]:
    """(line, what would become of it) of the first rows; a text is the reason why a row is broken."""
    if not file_of(transfer).exists():
        return []
    return [(row.line, _judged(row, transfer)) for row in islice(rows_of(transfer), count)]


def file_of(transfer: Transfer) -> Path:
    return Path(settings.ARTIFACTS_DIR) / transfer.path


def rows_of(transfer: Transfer, *, since: Place | None = None) -> Iterable[RawRow]:
    options = transfer.options
    description = FileDescription(
        transfer.format, tuple(options["columns"]), Place(*options["start"]), options["delimiter"]
    )
    return rows(file_of(transfer), description, since=since)


def checked_fields(row: RawRow, transfer: Transfer) -> PromptFields:
    """The fields of a row whose conversation is one. Raises RowProblem."""
    fields = prompt_fields(row, transfer.options["mapping"])
    try:
        fields.messages[:] = checked_messages(fields.messages)
    except DomainError as error:
        raise RowProblem(error.message) from error
    return fields


def _judged(row: RawRow, transfer: Transfer) -> PromptFields | str:
    try:
        return checked_fields(row, transfer)
    except RowProblem as problem:
        return str(problem)


def _check(transfer: Transfer) -> None:
    """Count the rows and list the broken ones, as far as one may look while somebody waits."""
    counts = {"rows": 0, "broken": 0, "is_whole": True}
    problems: list[dict[str, Any]] = []
    for row in rows_of(transfer):
        counts["rows"] += 1
        try:
            checked_fields(row, transfer)
        except RowProblem as problem:
            counts["broken"] += 1
            if len(problems) < MOST_PROBLEMS:
                problems.append({"line": row.line, "reason": str(problem)})
        if counts["rows"] >= MOST_ROWS_CHECKED or row.end.offset >= MOST_BYTES_CHECKED:
            counts["is_whole"] = row.end.offset >= transfer.options["size"]
            break
    transfer.counts, transfer.problems = counts, problems


def _unconfirmed(transfer: Transfer) -> Transfer:
    locked = Transfer.objects.select_for_update(of=("self",)).select_related("project").get(pk=transfer.pk)
    if locked.status != Transfer.Status.UPLOADED:
        raise Conflict("import_confirmed", _("This import was confirmed or dropped already."))
    return locked
