"""Starts a run, as the buttons on the runs page do."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from labeling.models import Project
from training import actions, queries
from training.actions.runs import NEEDED_CONTENT, SAMPLED_SPLITS
from training.engine.config_presets import PRESETS
from training.management.project_command import ProjectCommand, named_corpus, named_snapshot, named_version
from training.models import Run, RunInput


class Command(ProjectCommand):
    help = "Queue a run; unless named it reads the promoted policy and what is newest. Prints its id."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("kind", choices=Run.Kind.values)
        parser.add_argument("--policy", default="", help="kind:number, as in policy:1 or sft:2")
        parser.add_argument(
            "--reward-model",
            nargs="+",
            default=[],
            help="kind:number, as in reward_model:1; for scoring several, which are an ensemble",
        )
        parser.add_argument("--snapshot", default="", help="its id")
        parser.add_argument(
            "--corpus", default="", help="its name or id: to pretrain on, or to mix into SFT or PPO"
        )
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
        if options["policy"]:
            inputs[RunInput.Role.POLICY] = named_version(project, options["policy"])
        reward_models = [named_version(project, name) for name in options["reward_model"]]
        if reward_models:
            inputs[RunInput.Role.REWARD_MODEL] = reward_models[0]
        content = NEEDED_CONTENT.get(kind)
        run = actions.start_run(
            project=project,
            kind=kind,
            inputs=inputs,
            actor=None,
            snapshot=named_snapshot(project, options["snapshot"], holding=content) if content else None,
            corpus=named_corpus(project, options["corpus"]) if options["corpus"] else None,
            ensemble=reward_models[1:],
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
