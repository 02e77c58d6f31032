"""Samples the promoted policy for the next round of ranking."""

from typing import Any

from labeling.models import Project
from training import actions, queries
from training.management.project_command import ProjectCommand
from training.models import Run


class Command(ProjectCommand):
    help = (
        "Have the promoted policy answer the prompts; its outputs become ranking tasks. Prints the run's id."
    )

    def work(self, *, project: Project, options: dict[str, Any]) -> str:
        inputs = queries.usual_inputs(project, Run.Kind.SAMPLE)
        run = actions.start_run(project=project, kind=Run.Kind.SAMPLE, inputs=inputs, actor=None)
        return str(run.public_id)
