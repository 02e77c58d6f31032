"""Restores a backup into an empty site."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training.backup.archive import BackupProblem
from training.backup.restore import restore


class Command(BaseCommand):
    help = "Bring database and artifacts of a backup into a site that is empty; refuses any other."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a file that `backup` has made")

    def handle(self, *args: Any, **options: Any) -> str:
        try:
            manifest = restore(file=options["file"])
        except (BackupProblem, OSError) as problem:
            raise CommandError(str(problem)) from problem
        counts = ", ".join(f"{count} {name}" for name, count in manifest["counts"].items())
        return f"Restored what was backed up at {manifest['made_at']}: {counts}. Start the site as usual."
