"""Starts a run, as the buttons on the runs page do."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from labeling.models import Project
from training import actions, queries
from training.actions.runs import NEEDED_CONTENT, SAMPLED_SPLITS
from training.engine.config_presets import PRESETS
from training.management.project_command import ProjectCommand, named_snapshot, named_version
from training.models import Run, RunInput


class Command(ProjectCommand):
    help = "Queue a run; unless named it reads the promoted policy and what is newest. Prints its id."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("kind", choices=Run.Kind.values)
        parser.add_argument("--policy", default="", help="kind:number, as in policy:1 or sft:2")
        parser.add_argument("--reward-model", default="", help="kind:number, as in reward_model:1")
        parser.add_argument("--snapshot", default="", help="its id")
        parser.add_argument(
            "--splits", nargs="+", default=SAMPLED_SPLITS, help="of the prompts to sample for"
        )
        parser.add_argument("--preset", default="starter", choices=PRESETS)
        parser.add_argument(
            "--set", nargs="+", action="extend", default=[], metavar="FIELD=VALUE", help="config fields"
        )

    def work(self, *, project: Project, options: dict[str, Any]) -> str:
        kind = options["kind"]
        inputs = queries.usual_inputs(project, kind)
        for role in RunInput.Role.values:
            if options[role]:
                inputs[role] = named_version(project, options[role])
        needs_snapshot = kind in NEEDED_CONTENT or options["snapshot"]
        run = actions.start_run(
            project=project,
            kind=kind,
            inputs=inputs,
            actor=None,
            snapshot=named_snapshot(project, options["snapshot"]) if needs_snapshot else None,
            config=PRESETS[options["preset"]].config(kind)
            | dict(field_and_value(pair) for pair in options["set"]),
            splits=options["splits"],
        )
        return str(run.public_id)


def field_and_value(pair: str) -> tuple[str, Any]:
    """FIELD=VALUE, the value in JSON; what is no JSON is text."""
    name, equals, value = pair.partition("=")
    if not equals:
        raise CommandError(f"{pair!r} is not FIELD=VALUE.")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
