"""Imports of prompts as managers see them: uploaded and looked at, then confirmed, perhaps cancelled."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.actions import audit
from labeling.actions.import_problems import forget_problems
from labeling.actions.import_reading import LEFT_OUT, Reader, check_rows, files_of, reading_of, rows_of
from labeling.actions.import_sources import keep_folder, keep_source, storable_name
from labeling.actions.transfers import cancel_transfer, end_transfer, ring_transfer
from labeling.errors import Conflict, DomainError
from labeling.imports.files import RawRow, RowProblem
from labeling.imports.folders import split_in
from labeling.imports.outputs import OutputColumn, usual_outputs
from labeling.imports.rows import FIELDS, PromptFields, usual_mapping
from labeling.imports.sources import SourceFile
from labeling.models import Project, Prompt, Transfer, User


@transaction.atomic
def upload_import(
    *, project: Project, actor: User | None, file_name: str, chunks: Iterable[bytes]
) -> Transfer:
    """Keep a file of prompts, or a folder packed as zip or tar, and look at it; nothing is read in before
    `start_import`.

    Refuses (FileRefused) a name of another kind, a file over the site's limit, also when unpacked, another
    encoding than UTF-8, what is broken, and a file without rows.
    """
    name = Path(file_name).name
    return _uploaded(project, actor, name, lambda at: keep_source(at, file_name=name, chunks=chunks))


@transaction.atomic
def upload_folder(
    *, project: Project, actor: User | None, name: str, files: Iterable[tuple[str, Iterable[bytes]]]
) -> Transfer:
    """Keep the files of a dataset's folder that hold rows, (path, content) of each, and look at them.

    Refuses (FileRefused) what `upload_import` refuses, and a folder in which no file holds rows.
    """
    return _uploaded(project, actor, name, lambda at: keep_folder(at, files=files))


@transaction.atomic
def map_import(
    *,
    transfer: Transfer,
    mapping: Mapping[str, str],
    language: str,
    ask_for_demonstrations: bool,
    outputs: Sequence[OutputColumn] = (),
    drops_answers: bool = False,
    opens_rankings: bool = False,
    splits: Mapping[str, str] | None = None,
) -> Transfer:
    """Say which column holds which field, and look at the file again.

    outputs: the columns with outputs that come in with the prompts. splits: part of the dataset → its split,
    LEFT_OUT, or "" for as the rows say.
    Refuses unknown columns, one column for two fields, a mapping that finds no prompt, and leaving out all.
    """
    transfer = _unconfirmed(transfer)
    chosen = {field: column for field, column in mapping.items() if field in FIELDS and column}
    outputs = [output for output in outputs if output.column]
    fields = _wrong_columns(transfer, chosen, outputs)
    if not ({"prompt", "messages"} & set(chosen) or outputs):
        fields["prompt"] = _("Choose the column that holds the prompt, or the messages.")
    if language not in transfer.project.languages:
        fields["language"] = _("%s is not a language of the project.") % language
    parts = _parts_in(transfer, splits or {}, fields)
    if fields:
        raise DomainError("bad_mapping", _("The columns cannot be read like this."), fields)
    transfer.options |= {
        "mapping": chosen,
        "outputs": [vars(output) for output in outputs],
        "drops_answers": drops_answers,
        "opens_rankings": opens_rankings,
        "language": language,
        "ask_for_demonstrations": ask_for_demonstrations,
        "parts": parts,
    }
    transfer.options["size"] = sum(file.size for file in files_of(transfer))
    check_rows(transfer)
    transfer.save()
    return transfer


@transaction.atomic
def start_import(*, transfer: Transfer, actor: User | None) -> Transfer:
    """Confirm: a worker reads the file in. Refuses what is confirmed or over, or finds no prompt."""
    transfer = _unconfirmed(transfer)
    if not reading_of(transfer).finds_prompts:
        message = _("Choose the column that holds the prompt, or the messages.")
        raise DomainError("bad_mapping", message, {"prompt": message})
    forget_problems(transfer)
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
    if not all((transfer.directory / file.path).exists() for file in files_of(transfer)):
        return []
    reader = Reader(transfer)
    return [(row.line, _judged(row, reader)) for row in islice(rows_of(transfer), count)]


def _uploaded(
    project: Project, actor: User | None, name: str, keep: Callable[[Path], list[SourceFile]]
) -> Transfer:
    transfer = Transfer.objects.create(
        project=project,
        direction=Transfer.Direction.IMPORT,
        content=Transfer.Content.PROMPTS,
        format=Transfer.Format.JSONL,
        status=Transfer.Status.UPLOADED,
        created_by=actor,
    )
    try:
        files = keep(transfer.directory)
        transfer.format = files[0].description.format
        transfer.options = _usual_options(project, name, files)
        check_rows(transfer)
    except DomainError:
        shutil.rmtree(transfer.directory, ignore_errors=True)
        raise
    transfer.path = f"transfers/{transfer.pk}"
    transfer.save()
    return transfer


def _usual_options(project: Project, name: str, files: Sequence[SourceFile]) -> dict[str, Any]:
    columns = list(dict.fromkeys(column for file in files for column in file.description.columns))
    outputs = usual_outputs(columns)
    taken = {column for output in outputs for column in (output.column, output.model_column)}
    mapping = usual_mapping([column for column in columns if column not in taken])
    return {
        "file_name": storable_name(name)[:200],
        "size": sum(file.size for file in files),
        "columns": columns,
        "files": [file.as_json() for file in files],
        "parts": [] if len(files) == 1 and not files[0].part else list(_usual_parts(files)),
        "has_mark": any(file.description.has_mark for file in files),
        "left_out": list(dict.fromkeys(column for file in files for column in file.left_out)),
        "mapping": mapping,
        "outputs": [vars(output) for output in outputs],
        "drops_answers": False,
        # Before a project's first tasks come its plan and its pilot, after which all are opened at once.
        "opens_rankings": bool(outputs) and project.tasks.exists(),
        "language": project.languages[0],
        "ask_for_demonstrations": not outputs,
    }


def _usual_parts(files: Sequence[SourceFile]) -> Iterator[dict[str, Any]]:
    for part in dict.fromkeys(file.part for file in files):
        sizes = [file.size for file in files if file.part == part]
        yield {"name": part, "files": len(sizes), "size": sum(sizes), "split": split_in(part)}


def _wrong_columns(
    transfer: Transfer, chosen: Mapping[str, str], outputs: Sequence[OutputColumn]
) -> dict[str, str]:
    columns = transfer.options["columns"]
    wrong = {
        field: _("There is no column “%s”.") % column
        for field, column in chosen.items()
        if column not in columns
    }
    for column, n in Counter(chosen.values()).items():
        if n > 1:
            twice = [field for field, name in chosen.items() if name == column]
            wrong[twice[-1]] = _("The column “%s” is taken already.") % column
    for name in {name for output in outputs for name in (output.column, output.model_column) if name}:
        if name not in columns:
            wrong["outputs"] = _("There is no column “%s”.") % name
    if len({output.column for output in outputs}) < len(outputs):
        wrong["outputs"] = _("Each column holds outputs once.")
    return wrong


def _parts_in(transfer: Transfer, splits: Mapping[str, str], wrong: dict[str, str]) -> list[dict[str, Any]]:
    parts = [part | {"split": splits.get(part["name"], part["split"])} for part in transfer.options["parts"]]
    if any(part["split"] not in {"", LEFT_OUT, *Prompt.Split.values} for part in parts):
        wrong["parts"] = _("Choose train, valid, test, or leave the part out.")
    elif parts and all(part["split"] == LEFT_OUT for part in parts):
        wrong["parts"] = _("Choose at least one part to be read.")
    return parts


def _judged(row: RawRow, reader: Reader) -> PromptFields | str:
    try:
        return reader.fields(row)
    except RowProblem as problem:
        return str(problem)


def _unconfirmed(transfer: Transfer) -> Transfer:
    locked = Transfer.objects.select_for_update(of=("self",)).select_related("project").get(pk=transfer.pk)
    if locked.status != Transfer.Status.UPLOADED:
        raise Conflict("import_confirmed", _("This import was confirmed or dropped already."))
    return locked
