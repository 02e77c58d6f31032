"""The retrain rule: set by people, carried out by beat. What it makes is a candidate; people promote."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling import actions as labeling_actions
from labeling.errors import DomainError
from labeling.models import Project, User
from training import queries
from training.actions.chains import continue_chain, start_chain
from training.models import Chain, RetrainRule, Run


@transaction.atomic
def set_retrain_rule(
    *,
    project: Project,
    actor: User | None,
    is_enabled: bool,
    after_rankings: int | None = None,
    every_days: int | None = None,
    reward_model_like: Run | None = None,
    ppo_like: Run | None = None,
) -> RetrainRule:
    """Say when a project retrains by itself, and with whose runs' settings.

    Refuses a rule that is on and never starts, numbers below one, and runs of another kind or project.
    """
    if is_enabled and after_rankings is None and every_days is None:
        message = _("Say after how many rankings or every how many days, or switch it off.")
        raise DomainError("rule_without_occasion", message, {"after_rankings": message})
    _check_numbers(after_rankings=after_rankings, every_days=every_days)
    _check_likes(project, reward_model_like=reward_model_like, ppo_like=ppo_like)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    rule = RetrainRule.objects.filter(project=project).first()
    if rule is None:
        rule = RetrainRule(project=project, account=_account(project))
    if is_enabled and not rule.is_enabled:
        rule.enabled_at = Now()
    rule.is_enabled = is_enabled
    rule.after_rankings = after_rankings
    rule.every_days = every_days
    rule.reward_model_like = reward_model_like
    rule.ppo_like = ppo_like
    rule.changed_by = actor
    rule.save()
    rule.refresh_from_db()
    return rule


def check_rules() -> list[Chain]:
    """Start whatever rule is due; returns what was started. While work is paused, none is due."""
    enabled = RetrainRule.objects.filter(is_enabled=True, project__paused_at=None)
    started = [fire_rule(rule_id=pk) for pk in enabled.order_by("pk").values_list("pk", flat=True)]
    return [chain for chain in started if chain is not None]


@transaction.atomic
def fire_rule(*, rule_id: int) -> Chain | None:
    """Start snapshot → reward model → PPO when the rule is due; None when it is not, or another is at it."""
    # Whoever comes second skips the row while it is held, and afterwards sees the chain that was started.
    # It is the row that start_training locks too: people and the rule do not start the same at once.
    claimed = Project.objects.select_for_update(no_key=True, skip_locked=True).filter(retrain_rule=rule_id)
    if not claimed:
        return None
    rule = RetrainRule.objects.select_related(
        "project", "account", "reward_model_like", "ppo_like__corpus"
    ).get(pk=rule_id)
    if not queries.rule_state(rule).is_due:
        return None
    return start_chain(
        project=rule.project,
        kinds=queries.TRAINED_BY_RULE,
        actor=rule.account,
        configs={
            Run.Kind.REWARD_MODEL: _settings_of(rule.reward_model_like),
            Run.Kind.PPO: _settings_of(rule.ppo_like),
        },
        corpus=rule.ppo_like.corpus if rule.ppo_like else None,
        rule=rule,
    )


def continue_chains() -> None:
    """Go on with every chain whose step has ended unheard: a worker that died between two steps."""
    running = Chain.objects.filter(status=Chain.Status.RUNNING).order_by("pk")
    for chain_id in running.values_list("pk", flat=True):
        continue_chain(chain_id=chain_id)


def _check_numbers(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise DomainError("below_one", _("At least 1."), {name: _("At least 1.")})


def _check_likes(project: Project, **runs: Run | None) -> None:
    for name, run in runs.items():
        if run is not None and (run.project_id != project.pk or run.kind != name.removesuffix("_like")):
            message = _("Choose a run of this kind and this project.")
            raise DomainError("unfit_run", message, {name: message})


def _account(project: Project) -> User:
    return labeling_actions.add_person(
        email=f"retrain-rule.{project.public_id.hex}@service.invalid",
        name="Retrain rule",
        kind=User.Kind.SERVICE,
    )


def _settings_of(run: Run | None) -> dict[str, Any]:
    """What that run was given, its seed aside: the same seed again would not be another try."""
    return {name: value for name, value in run.config.items() if name != "seed"} if run else {}
