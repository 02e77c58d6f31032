"""Promotes a model or rolls back to one, as the button on the models page does."""

from typing import Any

from django.core.management.base import CommandParser

from labeling.models import Project
from training import actions
from training.management.project_command import ProjectCommand, named_version


class Command(ProjectCommand):
    help = "Make a version the project's policy and have it sampled. Prints the sample run's id."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model", help="kind:number, as in policy:1, or its id")
        parser.add_argument("--note", default="", help="why")

    def work(self, *, project: Project, options: dict[str, Any]) -> str:
        version = named_version(project, options["model"])
        run = actions.promote_model(project=project, version=version, user=None, note=options["note"])
        return str(run.public_id)
