"""Enters a text corpus, as the page does, and reads it here and now, however large it is."""

import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from labeling.models import Project
from training import actions
from training.management.project_command import ProjectCommand
from training.models import Snapshot

LINES_SHOWN = 20


class Command(ProjectCommand):
    help = "Enter a text corpus from a JSONL or Parquet file with the column text. Prints its id."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)
        parser.add_argument("--name", default="", help="the file's own unless given")

    def work(self, *, project: Project, options: dict[str, Any]) -> str:
        corpus = actions.register_corpus(
            project=project, user=None, path=options["file"].resolve(), name=options["name"]
        )
        actions.build_corpus(snapshot_id=corpus.pk)
        corpus.refresh_from_db()
        while corpus.status == Snapshot.Status.BUILDING:  # a worker heard the bell first
            time.sleep(0.5)
            corpus.refresh_from_db()
        if corpus.status == Snapshot.Status.FAILED:
            lines = [f"line {problem['line']}: {problem['reason']}" for problem in corpus.problems]
            raise CommandError("\n".join([corpus.error, *lines[:LINES_SHOWN]]))
        return str(corpus.public_id)
