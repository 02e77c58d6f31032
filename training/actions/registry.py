"""The model registry: entering models that no run made, and choosing the one a project works with."""

from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from labeling import actions as labeling_actions
from labeling.errors import Conflict, DomainError
from labeling.models import Project, User
from training.actions.attempts import next_number
from training.actions.runs import cancel_run, check_available, start_run
from training.models import ModelVersion, Promotion, Run, RunInput
from training.queries.promotions import former_policy


@transaction.atomic
def register_model(
    *,
    project: Project | None,
    kind: ModelVersion.Kind,
    directory: str | Path,
    name: str = "",
    source: str = "",
) -> ModelVersion:
    """Enter a model directory in the registry; without a project it is a base that all may use.

    source names what makes the directory when it is not there yet. Refuses a directory that is none.
    """
    path = Path(settings.ARTIFACTS_DIR) / directory
    if not source and not (path / "config.json").is_file():
        message = _("%s is not a model directory: it has no config.json.") % path
        raise DomainError("unknown_model_directory", message, {"directory": message})
    if project is None:
        number = 1 + ModelVersion.objects.filter(project=None, kind=kind).count()
    else:
        number = next_number(project, kind)
    return ModelVersion.objects.create(
        project=project, kind=kind, number=number, name=name, path=str(directory), source=source
    )


@transaction.atomic
def adopt_base(*, project: Project, base: ModelVersion, user: User | None) -> Run:
    """Make a shared base the project's first policy, promote it and have it sampled; returns the sample run.

    Refuses what is no shared base, and a project that has a policy already (Conflict).
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if base.project_id is not None or base.kind != ModelVersion.Kind.BASE:
        raise DomainError("not_a_base", _("%s is not a shared base.") % base)
    if ModelVersion.objects.filter(project=project, kind=ModelVersion.Kind.POLICY).exists():
        raise Conflict("has_a_policy", _("The project has a policy already: promote one of its own."))
    check_available(base)
    policy = register_model(
        project=project,
        kind=ModelVersion.Kind.POLICY,
        directory=base.path,
        name=base.name,
        source=base.source,
    )
    note = _("The policy the project starts with.")
    return promote_model(project=project, version=policy, user=user, note=note)


@transaction.atomic
def promote_model(*, project: Project, version: ModelVersion, user: User | None, note: str = "") -> Run:
    """Make a version the project's policy and have it sampled for the next round of ranking.

    Sampling of the version it replaces ends, so that no worker is kept from it; the writing page counts
    tokens by its tokenizer. Returns the sample run.
    Refuses another project's version, a reward model or base, one whose directory is gone, a note that cannot
    be kept, and the promoted one (Conflict).
    """
    labeling_actions.check_storable("note", note)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if version.project_id != project.pk:
        raise DomainError("unknown_model", _("This project has no such model."))
    if not version.is_promotable:
        raise DomainError(
            "not_a_policy", _("%s cannot be promoted: only a policy or a supervised model can.") % version
        )
    check_available(version)
    current = ModelVersion.objects.filter(project=project, is_promoted=True).first()
    if current == version:
        raise Conflict("promoted_already", _("%s is the promoted one already.") % version)
    if current is not None:
        _stop_sampling(current, user)
    ModelVersion.objects.filter(project=project, is_promoted=True).update(is_promoted=False)
    ModelVersion.objects.filter(pk=version.pk).update(is_promoted=True)
    labeling_actions.add_model_names(project=project, label=version.name)
    labeling_actions.set_tokenizer(project=project, path=str(Path(version.path) / "tokenizer.json"))
    Promotion.objects.create(
        project=project, from_version=current, to_version=version, note=note.strip(), user=user
    )
    return start_run(
        project=project, kind=Run.Kind.SAMPLE, inputs={RunInput.Role.POLICY: version}, actor=user
    )


@transaction.atomic
def roll_back(*, project: Project, version: ModelVersion, user: User | None, note: str = "") -> Run:
    """Go back to the policy before the promoted one and have it sampled again; returns the sample run.

    version: the former policy as the person saw it; when that is another by now, Conflict. Refuses what
    promote_model refuses.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if former_policy(project) != version:
        raise Conflict(
            "not_the_former_policy",
            _("%s is not the policy before the promoted one any more: look again, then decide.") % version,
        )
    return promote_model(project=project, version=version, user=user, note=note)


def _stop_sampling(version: ModelVersion, user: User | None) -> None:
    unfinished = Run.objects.filter(
        kind=Run.Kind.SAMPLE,
        status__in=[Run.Status.QUEUED, Run.Status.RUNNING],
        inputs__model_version=version,
        project=version.project,
        trial_answer=None,
    )
    for run in unfinished:
        cancel_run(run=run, actor=user)
