"""A retrain rule through the real broker, workers and engine: new rankings become a candidate."""

import time

import pytest
from celery import current_app
from django.db.models.functions import Now

from tests.training.making import TINY_PPO, make_ranking
from training import actions
from training.models import Chain, Run, SnapshotMember

pytestmark = pytest.mark.slow


def run_with_settings(project, kind, config):
    """Somebody's run whose settings the rule takes over."""
    return Run.objects.create(
        project=project, kind=kind, status="cancelled", finished_at=Now(), config=config | {"seed": 1}
    )


def wait_until_over(chain: Chain, *, seconds: float = 90) -> Chain:
    deadline = time.monotonic() + seconds
    while not chain.is_over:
        assert time.monotonic() < deadline, list(chain.runs.values_list("kind", "status", "error"))
        time.sleep(0.2)
        chain.refresh_from_db()
    return chain


def test_six_new_rankings_become_a_candidate_policy(celery_workers, project, policy, annotator, manager):
    rule = actions.set_retrain_rule(
        project=project,
        actor=manager,
        is_enabled=True,
        after_rankings=6,
        reward_model_like=run_with_settings(project, "reward_model", {"layers": 1, "dtype": "float32"}),
        ppo_like=run_with_settings(project, "ppo", TINY_PPO | {"steps": 1}),
    )
    rankings = [make_ranking(annotator, project, split=split) for split in ["train"] * 5 + ["valid"]]

    # What beat sends, twice, to show that once is enough.
    for _ in range(2):
        current_app.send_task("training.check_rules", queue="default")
    deadline = time.monotonic() + 30
    while not Chain.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    chain = wait_until_over(Chain.objects.get())

    assert (chain.status, chain.reason) == ("succeeded", "")
    assert (chain.rule, chain.created_by) == (rule, rule.account)
    runs = list(chain.runs.order_by("pk"))
    assert [(run.kind, run.status, run.created_by) for run in runs] == [
        ("reward_model", "succeeded", rule.account),
        ("ppo", "succeeded", rule.account),
    ]
    members = SnapshotMember.objects.filter(snapshot=chain.snapshot)
    assert set(members.values_list("submission_id", flat=True)) == {r.pk for r in rankings}
    reward_model, candidate = (run.model_version for run in runs)
    assert runs[1].inputs.get(role="reward_model").model_version == reward_model
    assert (candidate.kind, candidate.is_promoted) == ("policy", False)
    assert candidate.directory.joinpath("config.json").is_file()
    policy.refresh_from_db()
    assert policy.is_promoted
