"""Backs up this site into one file."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from training.backup.archive import BackupProblem
from training.backup.make import back_up


class Command(BaseCommand):
    help = "Write database and artifacts into one file in BACKUP_DIR, also while the site is in use."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> str:
        try:
            made = back_up(directory=Path(settings.BACKUP_DIR))
        except (BackupProblem, OSError) as problem:
            raise CommandError(str(problem)) from problem
        for sentence in made.left_out:
            self.stderr.write(f"Not in the backup: {sentence}.")
        counts = ", ".join(f"{count} {name}" for name, count in made.counts.items())
        size = made.file.stat().st_size / 1e6
        return f"{made.file} ({size:,.1f} MB): {counts}, {made.artifacts} files."
