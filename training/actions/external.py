"""Models from outside: known by the outputs that come in with a team's prompts."""

from collections.abc import Sequence

from django.db import transaction

from labeling.actions import FromOutside
from labeling.models import Project
from training.actions.attempts import next_number
from training.models import ModelVersion, Sample


@transaction.atomic
def keep_writers(project: Project, outputs: Sequence[FromOutside]) -> None:
    """Enter in the registry which model wrote each output that came in; a model that is new gets a version.

    Outputs of which nobody says who wrote them have no sample.
    """
    named = [output for output in outputs if output.writer]
    versions = {writer: _version(project, writer) for writer in sorted({o.writer for o in named})}
    Sample.objects.bulk_create(
        Sample(
            completion=output.completion,
            prompt_id=output.completion.prompt_id,
            model_version=versions[output.writer],
            temperature=_temperature(output),
        )
        for output in named
    )


def _version(project: Project, name: str) -> ModelVersion:
    kind = ModelVersion.Kind.EXTERNAL
    known = ModelVersion.objects.filter(project=project, kind=kind, name=name).first()
    return known or ModelVersion.objects.create(
        project=project, kind=kind, name=name, number=next_number(project, kind)
    )


def _temperature(output: FromOutside) -> float | None:
    """What the row says of it, if that is a number."""
    told = output.completion.metadata.get("temperature")
    return float(told) if isinstance(told, int | float) and not isinstance(told, bool) else None
