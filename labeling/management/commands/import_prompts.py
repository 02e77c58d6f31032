"""Imports prompts from a file, as the page does: looks first, then reads in, here and now."""

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labeling import actions
from labeling.errors import DomainError
from labeling.imports.rows import FIELDS
from labeling.models import Project, Transfer, User

CHUNK = 1_000_000


class Command(BaseCommand):
    help = "Import prompts from a JSONL or CSV file. The same file again adds nothing twice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--project", default="", help="its name; may be left out when there is only one")
        parser.add_argument(
            "--map",
            nargs="+",
            default=[],
            metavar="FIELD=COLUMN",
            help=f"which column holds which of {', '.join(FIELDS)}",
        )
        parser.add_argument("--language", default="", help="of rows that name none")
        parser.add_argument("--by", default="", metavar="EMAIL", help="whose import it is")
        parser.add_argument("--check", action="store_true", help="only look; nothing is written")
        parser.add_argument("--no-tasks", action="store_true", help="ask nobody to write answers")

    def handle(self, *args: Any, **options: Any) -> str:
        try:
            transfer = self._upload(options)
            if options["check"]:
                actions.cancel_import(transfer=transfer, actor=None)
                return _report(transfer, ("rows", "broken"))
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
        project, path = _project(options["project"]), options["file"]
        actor = User.objects.filter(email=options["by"].strip().lower()).first() if options["by"] else None
        if options["by"] and actor is None:
            raise CommandError(f"There is no account with the address {options['by']!r}.")
        try:
            with path.open("rb") as file:
                chunks = iter(lambda: file.read(CHUNK), b"")
                transfer = actions.upload_import(
                    project=project, actor=actor, file_name=path.name, chunks=chunks
                )
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        if options["map"] or options["language"] or options["no_tasks"]:
            transfer = actions.map_import(
                transfer=transfer,
                mapping=transfer.options["mapping"] | _mapping(options["map"]),
                language=options["language"] or transfer.options["language"],
                ask_for_demonstrations=not options["no_tasks"],
            )
        return transfer


def _mapping(pairs: list[str]) -> dict[str, str]:
    mapping = dict(pair.partition("=")[::2] for pair in pairs)
    if unknown := set(mapping) - set(FIELDS):
        raise CommandError(f"{', '.join(sorted(unknown))} is none of {', '.join(FIELDS)}.")
    return mapping


def _project(name: str) -> Project:
    found = list(Project.objects.filter(name=name) if name else Project.objects.all()[:2])
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(n) for n in Project.objects.order_by("name").values_list("name", flat=True)[:20])
    raise CommandError(f"Name the project with --project: {names or 'there is none yet'}.")


def _report(transfer: Transfer, counted: tuple[str, ...]) -> str:
    lines = [", ".join(f"{transfer.counts.get(name, 0)} {name}" for name in counted)]
    lines += [f"line {problem['line']}: {problem['reason']}" for problem in transfer.problems[:20]]
    if transfer.counts.get("broken", 0) > 20:
        lines.append(f"… and {transfer.counts['broken'] - 20} more")
    return "\n".join(lines)
