"""A run or model version for this user, or 404: for whoever trains in its project."""

import uuid

from django.shortcuts import get_object_or_404

from labeling import access
from labeling.models import User
from training.models import ModelVersion, Run


def run_for(user: User, public_id: uuid.UUID) -> Run:
    run = get_object_or_404(
        Run.objects.select_related("project", "snapshot", "created_by", "model_version"), public_id=public_id
    )
    access.project_for(user, run.project.public_id, roles=access.ENGINEERS)
    return run


def version_for(user: User, public_id: uuid.UUID) -> ModelVersion:
    """A version of a project of theirs; shared bases are nobody's to change."""
    version = get_object_or_404(
        ModelVersion.objects.select_related("project").filter(project__isnull=False), public_id=public_id
    )
    assert version.project is not None
    access.project_for(user, version.project.public_id, roles=access.ENGINEERS)
    return version
