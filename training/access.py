"""A run, model version or snapshot for this user, or 404: for whoever trains in its project."""

import uuid

from django.http import Http404
from django.shortcuts import get_object_or_404

from labeling import access
from labeling.models import User
from training.models import Chain, ModelVersion, Run, Snapshot, Trial


def run_for(user: User, public_id: uuid.UUID) -> Run:
    run = get_object_or_404(
        Run.objects.select_related("project", "snapshot", "corpus", "created_by", "model_version"),
        public_id=public_id,
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


def readable_version_for(user: User, public_id: uuid.UUID) -> ModelVersion:
    """A version of a project of theirs, or a shared base, which whoever trains anywhere may look at."""
    version = get_object_or_404(ModelVersion.objects.select_related("project", "run"), public_id=public_id)
    if version.project is not None:
        access.project_for(user, version.project.public_id, roles=access.ENGINEERS)
    elif not access.may_train_somewhere(user):
        raise Http404
    return version


def snapshot_for(user: User, public_id: uuid.UUID) -> Snapshot:
    snapshot = get_object_or_404(Snapshot.objects.select_related("project"), public_id=public_id)
    access.project_for(user, snapshot.project.public_id, roles=access.ENGINEERS)
    return snapshot


def chain_for(user: User, public_id: uuid.UUID) -> Chain:
    chain = get_object_or_404(Chain.objects.select_related("project"), public_id=public_id)
    access.project_for(user, chain.project.public_id, roles=access.ENGINEERS)
    return chain


def trial_for(user: User, public_id: uuid.UUID) -> Trial:
    trial = get_object_or_404(Trial.objects.select_related("project", "created_by"), public_id=public_id)
    access.project_for(user, trial.project.public_id, roles=access.ENGINEERS)
    return trial
