"""Exports judgments or prompts, as the form on the exports page does."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import make_aware

from labeling import actions, exports
from labeling.models import Project, Transfer
from training.management.project_command import ProjectCommand

LISTS = ("splits", "languages", "categories", "origins", "roles", "purposes")


class Command(ProjectCommand):
    help = "Have a worker write judgments or prompts to files. Prints the directory they are in."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("content", choices=list(exports.COLUMNS))
        parser.add_argument("--format", default="jsonl", choices=["jsonl", "parquet"])
        for name in LISTS:
            parser.add_argument(f"--{name}", nargs="+", default=[])
        parser.add_argument("--since", help="from this time or day on (UTC unless it says otherwise)")
        parser.add_argument("--until", help="before this time or day")
        parser.add_argument("--round", type=int)
        parser.add_argument("--with-returned", action="store_true", help="also what reviewers returned")

    def work(self, *, project: Project, options: dict[str, Any]) -> str:
        filters = exports.Filters(
            **{name: tuple(options[name]) for name in LISTS},
            since=moment(options["since"]),
            until=moment(options["until"]),
            round=options["round"],
            with_returned=options["with_returned"],
        )
        transfer = actions.start_export(
            project=project, user=None, content=options["content"], format=options["format"], filters=filters
        )
        while not transfer.is_over:
            time.sleep(0.3)
            transfer.refresh_from_db()
        if transfer.status != Transfer.Status.SUCCEEDED:
            raise CommandError(transfer.error or f"The export was {transfer.status}.")
        return str(settings.ARTIFACTS_DIR / transfer.path)


def moment(text: str | None) -> Any:
    """A time as written in ISO 8601; of a day its beginning."""
    if not text:
        return None
    try:
        day = parse_date(text)
        found = parse_datetime(f"{day}T00:00:00" if day else text)
    except ValueError as error:
        raise CommandError(f"{text!r}: {error}.") from error
    if found is None:
        raise CommandError(f"{text!r} is no time: write 2026-01-31 or 2026-01-31T09:00+08:00.")
    return found if found.tzinfo else make_aware(found)
