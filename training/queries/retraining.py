"""When a retrain rule starts next, and what it waits for until then."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from labeling import exports
from labeling import queries as labeling_queries
from labeling.models import Project
from training.models import Chain, ModelVersion, RetrainRule, Run
from training.queries.growth import covering_snapshot

TRAINED_BY_RULE = (Run.Kind.REWARD_MODEL, Run.Kind.PPO)


@dataclass(frozen=True)
class RuleState:
    """What a rule waits for. new_rankings: that a snapshot would bring. next_at: by its cadence.

    is_time: on the database's clock. is_paused: the project; is_site_paused: all of them.
    """

    new_rankings: int
    wanted_rankings: int | None
    next_at: datetime | None
    is_time: bool
    has_policy: bool
    is_busy: bool
    is_paused: bool
    is_site_paused: bool
    is_enabled: bool

    @property
    def has_enough(self) -> bool:
        return self.wanted_rankings is not None and self.new_rankings >= self.wanted_rankings

    @property
    def is_due(self) -> bool:
        """Whether it starts now. On its cadence too it wants something new: else the same comes out again."""
        goes_on = not (self.is_paused or self.is_site_paused or self.is_busy)
        may_start = self.is_enabled and goes_on and self.has_policy
        return may_start and (self.has_enough or (self.is_time and self.new_rankings > 0))


def rule_state(rule: RetrainRule) -> RuleState:
    """Counted from the rule's newest chain, however it ended: what fails is not tried over and over."""
    newest = Chain.objects.filter(rule=rule).order_by("-pk").first()
    now = RetrainRule.objects.filter(pk=rule.pk).values_list(Now(), flat=True).get()
    begun = [moment for moment in (newest and newest.created_at, rule.enabled_at) if moment]
    since = max(begun, default=None)
    next_at = since + timedelta(days=rule.every_days) if since and rule.every_days else None
    return RuleState(
        new_rankings=_new_rankings(rule.project, newest),
        wanted_rankings=rule.after_rankings,
        next_at=next_at,
        is_time=next_at is not None and next_at <= now,
        has_policy=ModelVersion.objects.filter(project=rule.project_id, is_promoted=True).exists(),
        is_busy=_is_training(rule.project),
        is_paused=rule.project.paused_at is not None,
        is_site_paused=labeling_queries.site_pause() is not None,
        is_enabled=rule.is_enabled,
    )


def _new_rankings(project: Project, newest: Chain | None) -> int:
    """Since the rule last took a snapshot; else since anyone took one with rankings."""
    before = newest.snapshot if newest else covering_snapshot(project)
    return exports.new_ranking_count(project, before.created_at if before else None)


def _is_training(project: Project) -> bool:
    if Chain.objects.filter(project=project, status=Chain.Status.RUNNING).exists():
        return True
    return unfinished_runs(project).filter(kind__in=TRAINED_BY_RULE).exists()


def unfinished_runs(project: Project) -> QuerySet[Run]:
    """The project's work under way; answers to an engineer's own prompt are none of it."""
    return Run.objects.filter(
        project=project, status__in=[Run.Status.QUEUED, Run.Status.RUNNING], trial_answer=None
    )
