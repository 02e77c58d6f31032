"""Where a project stands on its way round the loop: the same few queries whatever its size."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet, Sum

from labeling import queries as labeling_queries
from labeling.models import Project, Prompt
from labeling.queries import TaskCounts
from training.models import Chain, ModelVersion, Promotion, RetrainRule, Run, RunInput, Snapshot
from training.queries.retraining import RuleState, rule_state

WITHOUT_EFFECT = (Run.Status.FAILED, Run.Status.CANCELLED)


@dataclass(frozen=True)
class ChainStep:
    """A step of a chain: its snapshot (run is None) or a run; status "" when it has not begun."""

    label: str
    status: str
    status_label: str
    run: Run | None = None


@dataclass(frozen=True)
class LoopFacts:
    """What the loop page shows, before it is put in words. Kinds are those of tasks, runs and versions."""

    prompts: Mapping[str, int]
    tasks: Mapping[str, TaskCounts]
    runs: Mapping[str, Run]  # the newest of each kind
    used: Mapping[str, Run]  # the newest that has not failed or been cancelled
    succeeded: Mapping[str, int]
    outputs: int
    versions: Mapping[str, int]
    reward_model: ModelVersion | None
    promoted: ModelVersion | None
    promotions: int
    candidates: tuple[ModelVersion, ...]
    chains: tuple[Chain, ...]

    def pending_chain(self, kind: str) -> Chain | None:
        """A running chain whose run of this kind has not started yet."""
        for chain in self.chains:
            waits = kind in chain.kinds and kind not in {run.kind for run in chain.runs.all()}
            if not chain.is_over and waits:
                return chain
        return None

    def new_since_last(self, kind: str, content: str, total: int) -> int:
        """How many judgments the newest run of this kind has not read; by the count in its snapshot."""
        run = self.used.get(kind)
        if run is None or run.snapshot is None:
            return total
        return max(0, total - sum(run.snapshot.counts.get(content, {}).values()))


def loop_facts(project: Project) -> LoopFacts:
    versions = list(_newest_of_each_kind(project))
    totals = _run_totals(project)
    runs = sorted(_newest_runs(project), key=lambda run: run.pk)
    promotions = Promotion.objects.filter(project=project)
    return LoopFacts(
        prompts=dict(Prompt.objects.filter(project=project).values_list("split").annotate(Count("pk"))),
        tasks=labeling_queries.task_counts(project),
        runs={run.kind: run for run in runs},
        used={run.kind: run for run in runs if run.status not in WITHOUT_EFFECT},
        succeeded={kind: succeeded for kind, succeeded, _done in totals},
        outputs=sum(done or 0 for kind, _succeeded, done in totals if kind == Run.Kind.SAMPLE),
        versions=dict(ModelVersion.objects.filter(project=project).values_list("kind").annotate(Count("pk"))),
        reward_model=next((v for v in versions if v.kind == ModelVersion.Kind.REWARD_MODEL), None),
        promoted=ModelVersion.objects.filter(project=project, is_promoted=True).first(),
        promotions=promotions.count(),
        candidates=tuple(candidates(project)),
        chains=tuple(_chains(project)),
    )


def candidates(project: Project) -> QuerySet[ModelVersion]:
    """Made by a run after the last decision, newest first: a promotion settles what came before it."""
    last = Promotion.objects.filter(project=project).order_by("-pk").values("promoted_at")[:1]
    made = ModelVersion.objects.filter(
        project=project,
        kind__in=[ModelVersion.Kind.SFT, ModelVersion.Kind.POLICY],
        run__isnull=False,
        is_promoted=False,
    )
    return made.filter(Q(created_at__gt=last) | ~Q(project__promotions__isnull=False)).order_by("-pk")[:5]


def newest_chain(facts: LoopFacts) -> Chain | None:
    """The one at work, else the one that ended last."""
    running = [chain for chain in facts.chains if not chain.is_over]
    return next(iter(running or facts.chains), None)


def chain_steps(chain: Chain) -> list[ChainStep]:
    runs = {run.kind: run for run in chain.runs.all()}
    snapshot = chain.snapshot
    steps = [ChainStep("snapshot", snapshot.status, str(Snapshot.Status(snapshot.status).label))]
    for kind in chain.kinds:
        run = runs.get(kind)
        status_label = str(Run.Status(run.status).label) if run else ""
        steps.append(ChainStep(str(Run.Kind(kind).label), run.status if run else "", status_label, run))
    return steps


def retrain_rule(project: Project) -> tuple[RetrainRule | None, RuleState | None]:
    """The project's rule and what it waits for."""
    rule = RetrainRule.objects.filter(project=project).select_related("project", "changed_by").first()
    return rule, rule_state(rule) if rule else None


def newest_policy_input(run: Run) -> ModelVersion | None:
    return next((i.model_version for i in run.inputs.all() if i.role == RunInput.Role.POLICY), None)


def _runs(project: Project) -> QuerySet[Run]:
    """The project's work; answers to a prompt of an engineer's own are none of it."""
    return Run.objects.filter(project=project, trial_answer=None)


def _newest_runs(project: Project) -> QuerySet[Run]:
    """The newest of each kind and status."""
    return (
        _runs(project)
        .order_by("kind", "status", "-pk")
        .distinct("kind", "status")
        .select_related("snapshot", "created_by")
        .prefetch_related("inputs__model_version")
        .defer("config", "result")
    )


def _run_totals(project: Project) -> list[tuple[str, int, int | None]]:
    """(kind, how many succeeded, how far all of them came together)."""
    succeeded = Count("pk", filter=Q(status=Run.Status.SUCCEEDED))
    totals = _runs(project).values("kind").annotate(succeeded=succeeded, done=Sum("progress_done"))
    return list(totals.order_by("kind").values_list("kind", "succeeded", "done"))


def _newest_of_each_kind(project: Project) -> QuerySet[ModelVersion]:
    return ModelVersion.objects.filter(project=project).order_by("kind", "-number").distinct("kind")


def _chains(project: Project) -> QuerySet[Chain]:
    """The running ones, and the one that was started last."""
    newest = Chain.objects.filter(project=project).order_by("-pk").values("pk")[:1]
    return (
        Chain.objects.filter(Q(pk__in=newest) | Q(project=project, status=Chain.Status.RUNNING))
        .select_related("snapshot", "created_by", "rule")
        .prefetch_related("runs")
        .order_by("-pk")
    )
