"""Enters a model directory in the registry."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from labeling.models import Project
from training import actions
from training.management.project_command import ProjectCommand
from training.models import ModelVersion


class Command(ProjectCommand):
    help = "Enter a Hugging Face model directory in a project's registry. Prints the version's id."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("directory", type=Path)
        parser.add_argument("--kind", default="policy", choices=["sft", "policy", "reward_model"])
        parser.add_argument("--name", default="")

    def work(self, *, project: Project, options: dict[str, Any]) -> str:
        version = actions.register_model(
            project=project,
            kind=ModelVersion.Kind(options["kind"]),
            directory=options["directory"].resolve(),
            name=options["name"],
        )
        return str(version.public_id)
