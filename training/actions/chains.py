"""Chains: a snapshot and the runs that read it, each started when the one before has succeeded."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.errors import Conflict, DomainError
from labeling.models import Project, User
from training import queries, transitions
from training.actions.runs import INPUT_ROLES, MIXED_IN, cancel_run, start_run
from training.actions.snapshots import take_snapshot
from training.models import Chain, ChainStatusChange, ModelVersion, RetrainRule, Run, RunInput, Snapshot


@transaction.atomic
def start_training(*, project: Project, kind: str, actor: User | None) -> Chain:
    """One click: a run of this kind from the usual inputs and the record as it is now.

    Takes a snapshot first when the record has grown since the newest one, and the run waits for it. Refuses
    what is under way already (Conflict), a model to start from that is not there, and an empty record.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    check_not_under_way(project, kind)
    usual_inputs(project, kind)
    newest = queries.covering_snapshot(project)
    snapshot = None if newest is None or queries.is_outgrown(newest) else newest
    return start_chain(project=project, kinds=[kind], actor=actor, snapshot=snapshot)


@transaction.atomic
def start_sampling(*, project: Project, actor: User | None) -> Run:
    """One click: outputs of the promoted policy for the next round. Refuses what start_training refuses."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    check_not_under_way(project, Run.Kind.SAMPLE)
    inputs = usual_inputs(project, Run.Kind.SAMPLE)
    return start_run(project=project, kind=Run.Kind.SAMPLE, inputs=inputs, actor=actor)


@transaction.atomic
def start_chain(
    *,
    project: Project,
    kinds: Sequence[str],
    actor: User | None,
    snapshot: Snapshot | None = None,
    corpus: Snapshot | None = None,
    configs: Mapping[str, Mapping[str, Any]] | None = None,
    rule: RetrainRule | None = None,
) -> Chain:
    """Have these runs follow each other, from a snapshot taken now unless one is given.

    configs: kind → fields of the engine's config that differ from its defaults. corpus: for those among them
    that mix text in. Refuses an empty record.
    """
    chain = Chain.objects.create(
        project=project,
        snapshot=snapshot or take_snapshot(project=project, user=actor),
        corpus=corpus,
        kinds=list(kinds),
        configs={kind: dict(config) for kind, config in (configs or {}).items()},
        rule=rule,
        created_by=actor,
    )
    ChainStatusChange.objects.create(subject=chain, from_status="", to_status=chain.status, actor=actor)
    continue_chain(chain_id=chain.pk)
    chain.refresh_from_db()
    return chain


@transaction.atomic
def continue_chain(*, chain_id: int) -> None:
    """Start the next step when the one before has succeeded; end the chain after its last or a failed one.

    May be called at any time by anybody: the row's lock and one run per step make twice the same as once.
    """
    chain = (
        Chain.objects.select_for_update(of=("self",))
        .select_related("project", "snapshot", "created_by")
        .filter(pk=chain_id, status=Chain.Status.RUNNING)
        .first()
    )
    if chain is None or chain.snapshot.status == Snapshot.Status.BUILDING:
        return
    if chain.snapshot.status == Snapshot.Status.FAILED:
        _stop(chain, Chain.Status.FAILED, _("The snapshot failed: %s") % chain.snapshot.error)
        return
    done = list(chain.runs.order_by("pk"))
    last = done[-1] if done else None
    if last is not None and not last.is_over:
        return
    if last is not None and last.status == Run.Status.CANCELLED:
        _stop(chain, Chain.Status.CANCELLED, _("%s was cancelled.") % last)
    elif last is not None and last.status == Run.Status.FAILED:
        _stop(chain, Chain.Status.FAILED, _("%(run)s failed: %(error)s") % {"run": last, "error": last.error})
    elif len(done) == len(chain.kinds):
        transitions.end_chain(chain, Chain.Status.SUCCEEDED, actor=None)
    else:
        _start_step(chain, chain.kinds[len(done)])


def continue_chain_after(*, run_id: int | None = None, snapshot_id: int | None = None) -> None:
    """Go on with the running chains that waited for this run or this snapshot."""
    waiting = Chain.objects.filter(status=Chain.Status.RUNNING)
    if run_id is not None:
        waiting = waiting.filter(runs=run_id)
    if snapshot_id is not None:
        waiting = waiting.filter(snapshot=snapshot_id)
    for chain_id in waiting.values_list("pk", flat=True):
        continue_chain(chain_id=chain_id)


@transaction.atomic
def cancel_chain(*, chain: Chain, actor: User | None) -> None:
    """End a chain and the run it is at. Refuses one that is over (Conflict)."""
    chain = Chain.objects.select_for_update().get(pk=chain.pk)
    if chain.is_over:
        raise Conflict("chain_is_over", _("It has ended already; there is nothing to cancel."))
    for run in chain.runs.filter(status__in=[Run.Status.QUEUED, Run.Status.RUNNING]):
        cancel_run(run=run, actor=actor)
    reason = _("Cancelled by %s.") % actor if actor else _("Cancelled.")
    transitions.end_chain(chain, Chain.Status.CANCELLED, actor=actor, reason=reason)


def usual_inputs(project: Project, kind: str) -> dict[str, ModelVersion]:
    """What a run of this kind usually starts from. Refuses when it is not there, and says what to do."""
    usual = queries.usual_inputs(project, kind)
    if RunInput.Role.POLICY not in usual:
        raise DomainError("no_policy", _("Runs start from the promoted policy: promote a model first."))
    if set(INPUT_ROLES[kind]) - set(usual):
        raise DomainError("no_reward_model", _("PPO needs a reward model: train one first."))
    return usual


def check_not_under_way(project: Project, kind: str) -> None:
    chained = Chain.objects.filter(project=project, status=Chain.Status.RUNNING, kinds__contains=[kind])
    if chained.exists() or queries.unfinished_runs(project).filter(kind=kind).exists():
        raise Conflict(
            "under_way", _("%s is under way already: wait for it, or cancel it.") % Run.Kind(kind).label
        )


def _start_step(chain: Chain, kind: str) -> None:
    inputs = queries.usual_inputs(chain.project, kind)
    mine = ModelVersion.objects.filter(run__chain=chain, kind=ModelVersion.Kind.REWARD_MODEL).first()
    if mine is not None and RunInput.Role.REWARD_MODEL in INPUT_ROLES[kind]:
        inputs[RunInput.Role.REWARD_MODEL] = mine
    config = chain.configs.get(kind, {})
    try:
        with transaction.atomic():
            start_run(
                project=chain.project,
                kind=kind,
                inputs=inputs,
                snapshot=chain.snapshot,
                corpus=chain.corpus if config.get(MIXED_IN.get(Run.Kind(kind), "")) else None,
                config=config,
                actor=chain.created_by,
                chain=chain,
            )
    except DomainError as error:  # what a step needs is not there: nobody is waiting for an answer here
        _stop(chain, Chain.Status.FAILED, error.message)


def _stop(chain: Chain, status: Chain.Status, reason: str) -> None:
    transitions.end_chain(chain, status, actor=None, reason=reason)
