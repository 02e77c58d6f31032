"""Whether the counts that pages show are what the record says."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from labeling import actions
from labeling.models import Project


class Command(BaseCommand):
    help = "Holds the counts that are kept beside the record against it; --repair counts anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="Count projects that differ anew.")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for project in Project.objects.order_by("pk"):
            found = actions.count_differences(project=project)
            if found and options["repair"]:
                actions.recount(project=project)
                self.stdout.write(f"{project}: {found} counts were wrong and are right now.")
            elif found:
                wrong += found
                self.stdout.write(f"{project}: {found} counts are wrong.")
            else:
                self.stdout.write(f"{project}: every count is right.")
        if wrong:
            raise CommandError("Run it with --repair to count anew.")
