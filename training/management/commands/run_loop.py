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

ROWS = (
    (
        "reward-model accuracy",
        "reward_model_accuracy",
        "reward_model_accuracy_low",
        "reward_model_accuracy_high",
    ),
    ("accuracy the noise allows", "accuracy_allowed_by_noise", None, None),
    ("score before", "score_before", None, None),
    ("score after", "score_after", None, None),
    ("KL, nats per answer", "kl", None, None),
    ("length before, tokens", "length_before", None, None),
    ("length after, tokens", "length_after", None, None),
    ("win-rate over v0", "win_rate", "win_rate_low", "win_rate_high"),
    ("… by a noisy judge", "win_rate_noisy_judge", None, None),
    ("v0 against itself", "win_rate_self", "win_rate_self_low", "win_rate_self_high"),
    ("test prompts", "n", None, None),
    ("seconds", "seconds", None, None),
)


class Command(BaseCommand):
    help = (
        "Sample, rank by simulated annotators, train a reward model and a PPO policy, and compare the policies "
        "on prompts nobody trained on. Prints a table and writes var/loop/result.json. Needs running workers: "
        "`make loop` brings its own."
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
    for label, name, low, high in ROWS:
        value = figures[name]
        shown = "–" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"
        interval = "" if low is None else f"  [{figures[low]:.3f}, {figures[high]:.3f}]"
        lines.append(f"{label:<28}{shown:>10}{interval}")
    for text in figures["texts"]:
        lines += ["", f"PROMPT  {text['prompt']}", f"BEFORE  {text['before']}", f"AFTER   {text['after']}"]
    return "\n".join(lines)
