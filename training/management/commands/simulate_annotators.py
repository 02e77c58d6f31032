"""Has simulated annotators rank what is open."""

import os
from typing import Any

from django.core.management.base import CommandParser

from labeling.models import Project
from training import simulation
from training.actions.simulate import simulate_rankings
from training.management.project_command import ProjectCommand


class Command(ProjectCommand):
    help = (
        "Have simulated annotators rank a project's open tasks by a declared preference plus noise. The "
        "preference is a Python file with preference(prompt, completion) -> float, named by --preference or "
        "PREFERENCE."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--annotators", type=int, default=4, help="how many (4)")
        parser.add_argument(
            "--agreement", type=float, default=0.73, help="share of pairs on which two of them agree (0.73)"
        )
        parser.add_argument("--limit", type=int, help="rank at most this many tasks")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--preference", default=os.environ.get("PREFERENCE") or str(simulation.DEFAULT_PREFERENCE)
        )

    def work(self, *, project: Project, options: dict[str, Any]) -> str:
        done = simulate_rankings(
            project=project,
            preference=simulation.load_preference(options["preference"]),
            people=options["annotators"],
            agreement=options["agreement"],
            limit=options["limit"],
            seed=options["seed"],
            on_progress=self.show,
        )
        return f"{done.rankings} rankings, noise scale {done.noise_scale:.3f}"

    def show(self, done: int, total: int) -> None:
        if done % 25 == 0 or done == total:
            self.stderr.write(f"ranked {done} of {total}", self.style.NOTICE)
