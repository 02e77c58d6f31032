"""Cancels a run, as the button on its page does."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labeling.errors import DomainError
from training import actions
from training.management.project_command import is_uuid
from training.models import Run


class Command(BaseCommand):
    help = "Cancel a run that waits or works."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", help="its id")

    def handle(self, *args: Any, **options: Any) -> str:
        run = Run.objects.filter(public_id=options["run"]).first() if is_uuid(options["run"]) else None
        if run is None:
            raise CommandError(f"There is no run {options['run']}.")
        try:
            run = actions.cancel_run(run=run, actor=None)
        except DomainError as error:
            raise CommandError(error.message) from error
        return "cancelled" if run.is_over else "stopping"
