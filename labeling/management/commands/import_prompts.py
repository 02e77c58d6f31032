"""Imports prompts from a file or a folder, as the page does: looks first, then reads in, here and now."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labeling import actions
from labeling.errors import DomainError
from labeling.imports.folders import format_of
from labeling.imports.outputs import OutputColumn
from labeling.imports.rows import FIELDS
from labeling.models import Project, Transfer, User

CHUNK = 1_000_000


class Command(BaseCommand):
    help = (
        "Import prompts, and outputs that come with them, from a JSONL, CSV, Parquet or Arrow file, or from "
        "the folder of a Hugging Face dataset. The same file again adds nothing twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a file, a folder, or a folder packed as .zip or .tar")
        parser.add_argument("--project", default="", help="its name; may be left out when there is only one")
        parser.add_argument(
            "--map",
            nargs="+",
            default=[],
            metavar="FIELD=COLUMN",
            help=f"which column holds which of {', '.join(FIELDS)}",
        )
        parser.add_argument(
            "--outputs",
            nargs="*",
            metavar="COLUMN[=MODEL]",
            help="columns with outputs, and which model wrote them: a name, or @COLUMN that names it",
        )
        parser.add_argument(
            "--splits",
            nargs="+",
            default=[],
            metavar="PART=SPLIT",
            help=f"parts of a folder as train, valid or test; {actions.LEFT_OUT} leaves one out",
        )
        parser.add_argument("--drop-answers", action="store_true", help="that conversations end with")
        parser.add_argument("--language", default="", help="of rows that name none")
        parser.add_argument("--by", default="", metavar="EMAIL", help="whose import it is")
        parser.add_argument("--check", action="store_true", help="only look; nothing is written")
        parser.add_argument("--no-tasks", action="store_true", help="ask nobody to write or to rank")

    def handle(self, *args: Any, **options: Any) -> str:
        try:
            transfer = _mapped(self._upload(options), options)
            if options["check"]:
                report = _report(transfer, ("rows", "broken"))
                actions.cancel_import(transfer=transfer, actor=None)
                return report
            actions.start_import(transfer=transfer, actor=transfer.created_by)
            actions.run_import(transfer_id=transfer.pk)
        except DomainError as error:
            raise CommandError(" ".join([error.message, *error.fields.values()])) from error
        transfer.refresh_from_db()
        while not transfer.is_over:  # a worker heard the bell first
            time.sleep(0.5)
            transfer.refresh_from_db()
        if transfer.status == Transfer.Status.FAILED:
            raise CommandError(transfer.error)
        return _report(transfer, ("added", "known", "broken"))

    def _upload(self, options: dict[str, Any]) -> Transfer:
        project, path = _project(options["project"]), options["path"]
        actor = User.objects.filter(email=options["by"].strip().lower()).first() if options["by"] else None
        if options["by"] and actor is None:
            raise CommandError(f"There is no account with the address {options['by']!r}.")
        try:
            if path.is_dir():
                return actions.upload_folder(
                    project=project, actor=actor, name=path.resolve().name, files=_files_in(path)
                )
            return actions.upload_import(
                project=project, actor=actor, file_name=path.name, chunks=_chunks(path)
            )
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def _files_in(folder: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Those with rows; a link is followed to a file, as in the cache of the Hub, and to no folder."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if format_of(name) and path.is_file():
            yield name, _chunks(path)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _mapped(transfer: Transfer, options: dict[str, Any]) -> Transfer:
    """Read as the command says; what it leaves out is read as usual."""
    said = any(options[name] for name in ("map", "splits", "language", "drop_answers", "no_tasks"))
    if not said and options["outputs"] is None:
        return transfer
    kept = transfer.options
    given = options["outputs"]
    outputs = [OutputColumn(**o) for o in kept["outputs"]] if given is None else list(map(_output, given))
    return actions.map_import(
        transfer=transfer,
        mapping=kept["mapping"] | _mapping(options["map"]),
        outputs=outputs,
        splits=_pairs(options["splits"], [part["name"] for part in kept["parts"]]),
        language=options["language"] or kept["language"],
        drops_answers=options["drop_answers"],
        ask_for_demonstrations=not options["no_tasks"],
        opens_rankings=bool(outputs) and not options["no_tasks"],
    )


def _output(text: str) -> OutputColumn:
    column, _equals, model = text.partition("=")
    if model.startswith("@"):
        return OutputColumn(column, model_column=model[1:])
    return OutputColumn(column, model=model)


def _mapping(pairs: list[str]) -> dict[str, str]:
    return _pairs(pairs, FIELDS)


def _pairs(pairs: list[str], known: Any) -> dict[str, str]:
    found = dict(pair.partition("=")[::2] for pair in pairs)
    if unknown := set(found) - set(known):
        raise CommandError(f"{', '.join(sorted(unknown))} is none of {', '.join(known) or 'nothing'}.")
    return found


def _project(name: str) -> Project:
    found = list(Project.objects.filter(name=name) if name else Project.objects.all()[:2])
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(n) for n in Project.objects.order_by("name").values_list("name", flat=True)[:20])
    raise CommandError(f"Name the project with --project: {names or 'there is none yet'}.")


def _report(transfer: Transfer, counted: tuple[str, ...]) -> str:
    counts = transfer.counts
    lines = [", ".join(f"{counts.get(name, 0)} {name}" for name in counted)]
    if "prompts_by_outputs" in counts:
        lines += [f"{n} prompts with {outputs} outputs" for outputs, n in counts["prompts_by_outputs"]]
    elif transfer.options["outputs"]:
        lines.append(
            f"{counts.get('outputs', 0)} outputs added, {counts.get('tasks', 0)} ranking tasks opened"
        )
    lines += [f"{n} outputs of {writer}" for writer, n in counts.get("writers", [])]
    for problem in transfer.problems[:20]:
        place = f"{problem['file']}, line" if "file" in problem else "line"
        lines.append(f"{place} {problem['line']}: {problem['reason']}")
    if counts.get("broken", 0) > 20:
        lines.append(f"… and {counts['broken'] - 20} more")
    return "\n".join(lines)
