"""Takes a snapshot, as the button on the snapshots page does."""

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from labeling.models import Project
from training import actions
from training.actions.snapshots import TAKEN
from training.management.project_command import ProjectCommand
from training.models import Snapshot


class Command(ProjectCommand):
    help = "Have a project's record written to files. Prints the snapshot's id."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--contents", nargs="+", default=Snapshot.RECORD, choices=TAKEN)
        parser.add_argument("--wait", action="store_true", help="return when it is ready")

    def work(self, *, project: Project, options: dict[str, Any]) -> str:
        snapshot = actions.take_snapshot(project=project, user=None, contents=options["contents"])
        while options["wait"] and snapshot.status == Snapshot.Status.BUILDING:
            time.sleep(0.5)
            snapshot.refresh_from_db()
        if snapshot.status == Snapshot.Status.FAILED:
            raise CommandError(snapshot.error)
        return str(snapshot.public_id)
