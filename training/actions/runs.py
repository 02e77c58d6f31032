"""Starting and cancelling runs."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling.errors import Conflict, DomainError
from labeling.models import Project, Prompt, User
from training import transitions
from training.actions.doorbell import ring_run
from training.engine.config import parse_config
from training.engine.errors import ConfigError
from training.models import Chain, ModelVersion, Run, RunInput, Snapshot

INPUT_ROLES: dict[str, tuple[str, ...]] = {
    Run.Kind.SAMPLE: (RunInput.Role.POLICY,),
    Run.Kind.PRETRAIN: (RunInput.Role.POLICY,),
    Run.Kind.SFT: (RunInput.Role.POLICY,),
    Run.Kind.REWARD_MODEL: (RunInput.Role.POLICY,),
    Run.Kind.PPO: (RunInput.Role.POLICY, RunInput.Role.REWARD_MODEL),
    Run.Kind.SCORE: (RunInput.Role.REWARD_MODEL,),
}
# Roles that a kind of run may have besides.
OPTIONAL_ROLES: dict[str, tuple[str, ...]] = {Run.Kind.SFT: (RunInput.Role.REWARD_MODEL,)}
# What a kind of run reads from its snapshot, in the train split if it has splits. Sampling reads the project
# itself, pretraining a corpus.
NEEDED_CONTENT: dict[str, Snapshot.Content] = {
    Run.Kind.SFT: Snapshot.Content.DEMONSTRATIONS,
    Run.Kind.REWARD_MODEL: Snapshot.Content.RANKINGS,
    Run.Kind.PPO: Snapshot.Content.PROMPTS,
    Run.Kind.SCORE: Snapshot.Content.COMPLETIONS,
}
# The setting that says how much of a corpus is mixed in; 0: none.
MIXED_IN = {Run.Kind.SFT: "pretrain_mix", Run.Kind.PPO: "ptx_coef"}
SAMPLED_SPLITS = (Prompt.Split.TRAIN, Prompt.Split.VALID)


@transaction.atomic
def start_run(
    *,
    project: Project,
    kind: str,
    inputs: Mapping[str, ModelVersion],
    actor: User | None,
    snapshot: Snapshot | None = None,
    corpus: Snapshot | None = None,
    ensemble: Sequence[ModelVersion] = (),
    config: Mapping[str, Any] | None = None,
    splits: Sequence[str] = SAMPLED_SPLITS,
    round: int | None = None,
    chain: Chain | None = None,
) -> Run:
    """Queue a run and ring the gpu queue.

    inputs: a model version for each role of INPUT_ROLES. corpus: what pretraining reads, or what is mixed
    into fine-tuning and PPO. ensemble: further reward models of a score run. config: fields of the engine's
    config that differ from its defaults; without a seed one is drawn. splits and round (the next one when not
    given) concern sampling only. chain: what it is a step of. Refuses an unknown kind, inputs that do not
    fit, a snapshot without what the kind reads, and a config the engine would refuse.
    """
    _check_kind(kind)
    check_inputs(project, kind, inputs)
    _check_ensemble(project, kind, inputs, ensemble)
    _check_snapshot(project, kind, snapshot)
    asked = {"seed": secrets.randbelow(2**31), **(config or {})}
    if kind == Run.Kind.SAMPLE:
        asked.setdefault("completions_per_prompt", project.completions_per_prompt)
        _check_splits(project, splits)
    checked = checked_config(kind, asked, inputs)
    _check_corpus(project, kind, corpus, checked)
    fields: dict[str, Any] = {"project": project, "kind": kind, "snapshot": snapshot, "corpus": corpus}
    fields["chain"] = chain
    if kind == Run.Kind.SAMPLE:
        fields |= {"splits": list(splits), "round": round or next_round(project)}
    return queue_run(inputs=inputs, ensemble=ensemble, config=checked, actor=actor, **fields)


def queue_run(
    *,
    inputs: Mapping[str, ModelVersion],
    ensemble: Sequence[ModelVersion] = (),
    config: dict[str, Any],
    actor: User | None,
    **fields: Any,
) -> Run:
    """Put a run whose inputs and config were checked into the queue, and ring."""
    run = Run.objects.create(config=config, seed=config["seed"], created_by=actor, **fields)
    read = [*inputs.items(), *((RunInput.Role.REWARD_MODEL, version) for version in ensemble)]
    RunInput.objects.bulk_create(RunInput(run=run, role=role, model_version=v) for role, v in read)
    transitions.record_start(run, actor=actor)
    ring_run(run)
    return run


@transaction.atomic
def cancel_run(*, run: Run, actor: User | None) -> Run:
    """End a run that waits; ask one that works to stop, which it does within seconds.

    Refuses one that is over (Conflict). Asked twice is the same as once.
    """
    run = Run.objects.select_for_update().get(pk=run.pk)
    if run.is_over:
        raise Conflict("run_is_over", _("The run is over already; there is nothing to cancel."))
    if run.status == Run.Status.QUEUED:
        transitions.change_run(
            run, Run.Status.CANCELLED, actor=actor, finished_at=Now(), cancel_requested_at=Now(), message=""
        )
    elif run.cancel_requested_at is None:
        Run.objects.filter(pk=run.pk).update(cancel_requested_at=Now())
        run.refresh_from_db()
    return run


@transaction.atomic
def retry_run(*, run: Run, actor: User | None) -> Run:
    """Queue a failed or cancelled run once more, as it was asked for; it goes on from its newest checkpoint.

    Refuses one that waits, works or has succeeded (Conflict), and one whose models are gone.
    """
    run = Run.objects.select_for_update().get(pk=run.pk)
    if run.status not in {Run.Status.FAILED, Run.Status.CANCELLED}:
        raise Conflict(
            "run_not_to_retry",
            _("Only a run that failed or was cancelled can be tried again; this one is %s. Clone it instead.")
            % run.get_status_display(),
        )
    for entry in run.inputs.select_related("model_version"):
        check_available(entry.model_version)
    transitions.change_run(
        run, Run.Status.QUEUED, actor=actor, finished_at=None, cancel_requested_at=None, error="", message=""
    )
    ring_run(run)
    return run


def next_round(project: Project) -> int:
    """One more than the newest round that outputs were sampled for."""
    sampled = Run.objects.filter(project=project, kind=Run.Kind.SAMPLE, trial_answer=None)
    newest = sampled.aggregate(n=Max("round"))["n"]
    return (newest or 0) + 1


def _check_kind(kind: str) -> None:
    if kind not in Run.Kind.values:
        raise DomainError(
            "unknown_kind",
            _("There are no runs of the kind %(kind)s: choose one of %(kinds)s.")
            % {"kind": kind, "kinds": ", ".join(Run.Kind.values)},
        )


def check_inputs(project: Project, kind: str, inputs: Mapping[str, ModelVersion]) -> None:
    for role in INPUT_ROLES[kind]:
        if role not in inputs:
            message = _("Choose a model: %s.") % RunInput.Role(role).label
            raise DomainError("missing_input", message, {role: message})
    for role, version in inputs.items():
        is_read = role in INPUT_ROLES[kind] or role in OPTIONAL_ROLES.get(kind, ())
        is_policy = role == RunInput.Role.POLICY
        fits = is_read and not version.is_external and version.is_language_model == is_policy
        if not fits or version.project_id not in (None, project.pk):
            message = _("%(model)s cannot be the %(role)s of this run.") % {"model": version, "role": role}
            raise DomainError("unfit_input", message, {role: message})
        check_available(version)


def check_available(version: ModelVersion) -> None:
    """Refuse a version whose directory is gone and which nothing can make again."""
    if not version.is_available:
        raise DomainError(
            "missing_model",
            _("%(model)s is not at %(path)s any more: put the directory back or choose another model.")
            % {"model": version, "path": version.directory},
        )


def _check_snapshot(project: Project, kind: str, snapshot: Snapshot | None) -> None:
    content = NEEDED_CONTENT.get(kind)
    if snapshot is None and content is None:
        return
    if snapshot is None or snapshot.project_id != project.pk:
        message = _("Choose a snapshot of this project.")
    elif snapshot.status != Snapshot.Status.READY:
        message = _("This snapshot is not ready; wait for it or choose another.")
    elif content == Snapshot.Content.COMPLETIONS and not snapshot.counts.get(content):
        message = _("This snapshot has no %s; take one that has.") % content.label
    elif content in Snapshot.RECORD and not snapshot.counts.get(content, {}).get(Prompt.Split.TRAIN):
        message = (
            _("This snapshot has no %s in the train split; collect some and take another.") % content.label
        )
    else:
        return
    raise DomainError("unfit_snapshot", message, {"snapshot": message})


def _check_ensemble(
    project: Project, kind: str, inputs: Mapping[str, ModelVersion], ensemble: Sequence[ModelVersion]
) -> None:
    if ensemble and kind != Run.Kind.SCORE:
        raise DomainError("unfit_input", _("Only a score run reads several reward models."))
    if len({v.pk for v in (*inputs.values(), *ensemble)}) < len(inputs) + len(ensemble):
        message = _("Each reward model of an ensemble is another one.")
        raise DomainError("unfit_input", message, {"ensemble": message})
    for version in ensemble:
        check_inputs(project, kind, {RunInput.Role.REWARD_MODEL: version})


def _check_corpus(project: Project, kind: str, corpus: Snapshot | None, config: Mapping[str, Any]) -> None:
    mixed_in = MIXED_IN.get(Run.Kind(kind), "")
    is_wanted = kind == Run.Kind.PRETRAIN or bool(config.get(mixed_in))
    if corpus is None:
        if not is_wanted:
            return
        message = (
            _("Choose a text corpus.")
            if kind == Run.Kind.PRETRAIN
            else _("Choose a text corpus to mix in, or set %s to 0.") % mixed_in
        )
    elif not is_wanted:
        message = (
            _("A corpus is chosen, but %s is 0: set it, or choose no corpus.") % mixed_in
            if mixed_in
            else _("This kind of run reads no text corpus.")
        )
    elif corpus.project_id != project.pk or corpus.contents != [Snapshot.Content.CORPUS]:
        message = _("Choose a text corpus of this project.")
    elif corpus.status != Snapshot.Status.READY:
        message = _("This corpus is not ready; wait for it or choose another.")
    else:
        return
    raise DomainError("unfit_corpus", message, {"corpus": message})


def _check_splits(project: Project, splits: Sequence[str]) -> None:
    unknown = set(splits) - set(Prompt.Split.values)
    if unknown or not splits:
        raise DomainError(
            "unknown_split",
            _("Splits are some of %s.") % ", ".join(Prompt.Split.values),
            {"splits": ", ".join(splits)},
        )
    if not project.prompts.filter(split__in=splits).exists():
        raise DomainError("no_prompts", _("There are no prompts to sample for; add some first."))


def checked_config(kind: str, asked: Mapping[str, Any], inputs: Mapping[str, ModelVersion]) -> dict[str, Any]:
    """Every field as the engine would take it; directories are filled in when the run starts."""
    directories = {role: str(version.directory) for role, version in inputs.items()}
    try:
        config = parse_config({**asked, **directories, "kind": kind})
    except ConfigError as error:
        field = str(error).partition(":")[0]
        raise DomainError("bad_config", str(error), {field: str(error)}) from error
    left_out = {"kind", *RunInput.Role.values}
    return {name: value for name, value in asdict(config).items() if name not in left_out}
