"""Goes round the loop once with simulated annotators and says what came of it."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from labeling.errors import DomainError
from training import simulation
from training.actions.starter import add_smollm2
from training.loop import STARTER, run_loop

# Label, figure, and whether it has an interval (name_low, name_high).
ROWS = (
    ("reward-model accuracy", "reward_model_accuracy", True),
    ("accuracy the noise allows", "accuracy_allowed_by_noise", False),
    ("score before", "score_before", False),
    ("score after", "score_after", False),
    ("KL, nats per answer", "kl", False),
    ("length before, tokens", "length_before", False),
    ("length after, tokens", "length_after", False),
    ("win-rate over v0", "win_rate", True),
    ("… by a noisy judge", "win_rate_noisy_judge", False),
    ("v0 against itself", "win_rate_self", True),
    ("test prompts", "n", False),
    ("seconds", "seconds", False),
)


class Command(BaseCommand):
    help = (
        "Sample, rank by simulated annotators, train a reward model and a PPO policy, and compare the "
        "policies on prompts nobody trained on. Prints a table and writes loop/result.json in VAR_DIR. "
        "Needs running workers: `make loop` brings its own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--name", default=f"Loop of {timezone.now():%Y-%m-%d %H:%M:%S}", help="of the project"
        )
        parser.add_argument(
            "--preference", default=os.environ.get("PREFERENCE") or str(simulation.DEFAULT_PREFERENCE)
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            figures = run_loop(
                project_name=options["name"],
                add_policy=lambda project: add_smollm2(project=project),
                settings=replace(STARTER, preference=Path(options["preference"])),
                say=lambda sentence: self.stdout.write(sentence),
            )
        except DomainError as error:
            raise CommandError(error.message) from error
        path = Path(settings.VAR_DIR) / "loop" / "result.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
        self.stdout.write(table(figures))
        self.stdout.write(f"\n{path}")


def table(figures: dict[str, Any]) -> str:
    """The figures as one table, and the texts below it."""
    lines = []
    for label, name, has_interval in ROWS:
        value = figures[name]
        shown = "–" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"
        interval = ""
        if has_interval and value is not None:
            interval = f"  [{figures[name + '_low']:.3f}, {figures[name + '_high']:.3f}]"
        lines.append(f"{label:<28}{shown:>10}{interval}")
    for text in figures["texts"]:
        lines += ["", f"PROMPT  {text['prompt']}", f"BEFORE  {text['before']}", f"AFTER   {text['after']}"]
    return "\n".join(lines)
