"""The retrain rule: when it starts, when it does not, and that it starts once."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from labeling import actions as labeling_actions
from labeling.errors import DomainError
from labeling.models import Project
from tests.labeling.at_work import review
from tests.making import make_ranking_task
from tests.training.making import (
    make_promoted,
    make_ranking,
    make_sample_run,
    make_snapshot,
    make_version,
)
from tests.training.test_chains import at_once, build, work
from training import actions, queries, tasks
from training.models import Chain, ModelVersion, RetrainRule, SnapshotMember


@pytest.fixture
def policy(project, tmp_path):
    return make_promoted(make_version(project, tmp_path / "policy"))


@pytest.fixture
def rule(project, policy, manager):
    """Starts after two new rankings."""
    return actions.set_retrain_rule(project=project, actor=manager, is_enabled=True, after_rankings=2)


@pytest.fixture
def rank(project, annotator):
    def rank(times):
        for _ in range(times):
            make_ranking(annotator, project)

    return rank


def chains():
    return list(Chain.objects.order_by("pk"))


def test_it_starts_after_enough_new_rankings_and_names_itself_as_starter(rule, rank):
    rank(2)

    tasks.check_rules()

    [chain] = chains()
    assert (chain.rule, chain.kinds) == (rule, ["reward_model", "ppo"])
    assert str(chain.created_by) == "Retrain rule"
    assert chain.snapshot.created_by == rule.account
    build(chain)
    assert chain.runs.get().created_by == rule.account


def test_beat_asks_every_half_minute(settings):
    entry = settings.CELERY_BEAT_SCHEDULE["check-rules"]

    assert (entry["task"], entry["schedule"]) == (tasks.check_rules.name, 30.0)


def test_below_the_number_it_does_not(rule, rank):
    rank(1)

    tasks.check_rules()

    assert chains() == []
    assert queries.rule_state(rule).new_rankings == 1


def test_switched_off_it_does_not(rule, rank):
    rank(2)
    actions.set_retrain_rule(project=rule.project, actor=None, is_enabled=False, after_rankings=2)

    tasks.check_rules()

    assert chains() == []


def test_in_a_paused_project_it_does_not_until_work_goes_on(rule, rank):
    rank(2)
    Project.objects.update(paused_at=Now())
    tasks.check_rules()
    assert chains() == []

    Project.objects.update(paused_at=None)
    tasks.check_rules()
    assert len(chains()) == 1


def test_while_the_whole_site_is_paused_it_waits_and_its_page_says_so(
    rule, rank, client_for, engineer, manager
):
    rank(2)
    labeling_actions.pause_site(reason="The power is cut.", actor=manager)
    tasks.check_rules()
    assert chains() == []
    page = client_for(engineer).get(reverse("loop", args=[rule.project.public_id])).content.decode()
    assert "Waits until the whole site is no longer paused." in page and "The power is cut." in page

    labeling_actions.resume_site(actor=manager)
    tasks.check_rules()
    assert len(chains()) == 1


def test_a_pause_stops_nothing_that_is_under_way(rule, rank, manager):
    rank(2)
    tasks.check_rules()
    [chain] = chains()
    labeling_actions.pause_site(reason="The power is cut.", actor=manager)
    build(chain)

    tasks.check_rules()

    assert chain.runs.get().kind == "reward_model"


def test_without_a_promoted_policy_it_waits(rule, rank):
    rank(2)
    ModelVersion.objects.update(is_promoted=False)

    tasks.check_rules()

    assert chains() == []
    assert not queries.rule_state(rule).has_policy


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_the_same_time_start_it_once(rule, rank):
    rank(2)

    outcomes = at_once(actions.check_rules)

    assert sorted(len(started) for started in outcomes) == [0, 1]
    assert len(chains()) == 1


def test_while_a_chain_is_at_work_no_second_one_starts(rule, rank):
    rank(2)
    tasks.check_rules()
    rank(2)

    tasks.check_rules()

    assert len(chains()) == 1


def test_while_somebody_trains_a_reward_model_it_waits(rule, rank, engineer):
    rank(2)
    chain = actions.start_training(project=rule.project, kind="reward_model", actor=engineer)
    tasks.check_rules()
    assert chains() == [chain]

    actions.cancel_chain(chain=chain, actor=engineer)
    tasks.check_rules()
    assert len(chains()) == 2


def test_afterwards_it_counts_from_the_snapshot_it_took_and_leaves_the_candidate(rule, rank, policy):
    rank(2)
    tasks.check_rules()
    [chain] = chains()
    build(chain)
    work(chain.runs.get(kind="reward_model"))
    work(chain.runs.get(kind="ppo"))

    tasks.check_rules()

    assert len(chains()) == 1
    assert queries.rule_state(rule).new_rankings == 0
    candidate = chain.runs.get(kind="ppo").model_version
    assert not candidate.is_promoted
    policy.refresh_from_db()
    assert policy.is_promoted
    rank(2)
    tasks.check_rules()
    assert len(chains()) == 2


def test_what_failed_is_not_tried_again_without_new_rankings(rule, rank):
    rank(2)
    tasks.check_rules()
    [chain] = chains()
    build(chain)
    work(chain.runs.get(), "failed")

    tasks.check_rules()

    assert len(chains()) == 1
    chain.refresh_from_db()
    assert (chain.status, queries.rule_state(rule).new_rankings) == ("failed", 0)


def test_a_first_time_it_counts_from_the_newest_snapshot(rule, rank, project):
    rank(2)
    make_snapshot(project)

    tasks.check_rules()

    assert chains() == []


def test_a_revised_ranking_is_not_a_new_one(rule, project, annotator):
    submission = make_ranking(annotator, project)
    labeling_actions.submit_ranking(
        assignment=submission.assignment,
        places=[(n, n) for n in range(1, 5)],
        idempotency_key="second",
    )

    assert queries.rule_state(rule).new_rankings == 1


def test_a_task_that_was_set_aside_is_no_new_ranking(rule, project, annotator):
    make_ranking_task(project)
    assignment = labeling_actions.claim_task(user=annotator, project=project, kind="rank")
    labeling_actions.set_aside(assignment=assignment, verdict="none_usable", idempotency_key="first")

    assert queries.rule_state(rule).new_rankings == 0


def test_what_was_returned_counts_once_it_is_revised(rule, project, annotator, manager):
    submission, other = (make_ranking(annotator, project) for _ in range(2))
    for one, verdict in ((submission, "returned"), (other, "accepted")):
        review(one, manager, verdict)
    assert queries.rule_state(rule).new_rankings == 1

    make_snapshot(project)
    assert queries.rule_state(rule).new_rankings == 0
    for one in (submission, other):
        labeling_actions.submit_ranking(
            assignment=one.assignment, places=[(n, n) for n in range(1, 5)], idempotency_key="second"
        )

    assert queries.rule_state(rule).new_rankings == 1  # the other one was in the snapshot already


def test_work_that_is_set_aside_does_not_count_until_that_is_lifted(
    rule, project, annotator, second_annotator, manager
):
    for person in (annotator, second_annotator):
        make_ranking(person, project)
    suspension = labeling_actions.suspend_member(
        project=project, user=annotator, actor=manager, reason="Spam.", sets_aside=True
    )
    assert queries.rule_state(rule).new_rankings == 1
    tasks.check_rules()
    assert chains() == []

    labeling_actions.lift_suspension(suspension=suspension, actor=manager)
    assert queries.rule_state(rule).new_rankings == 2


def test_it_counts_what_the_snapshot_it_would_take_holds(rule, project, annotator, second_annotator, manager):
    kept, returned = (make_ranking(annotator, project) for _ in range(2))
    make_ranking(second_annotator, project)
    review(returned, manager, "returned")
    labeling_actions.suspend_member(
        project=project, user=second_annotator, actor=manager, reason="Spam.", sets_aside=True
    )
    counted = queries.rule_state(rule).new_rankings

    members = SnapshotMember.objects.filter(snapshot=make_snapshot(project))

    assert [member.submission for member in members] == [kept] and counted == 1


# --- its cadence


@pytest.fixture
def weekly(project, policy):
    return actions.set_retrain_rule(project=project, actor=None, is_enabled=True, every_days=7)


def let_pass(rule, **time):
    RetrainRule.objects.filter(pk=rule.pk).update(enabled_at=F("enabled_at") - timedelta(**time))
    Chain.objects.update(created_at=F("created_at") - timedelta(**time))


def test_on_its_cadence_it_starts_with_whatever_is_new(weekly, rank):
    rank(1)
    let_pass(weekly, days=6, hours=23)
    tasks.check_rules()
    assert chains() == []

    let_pass(weekly, hours=1)
    tasks.check_rules()

    assert len(chains()) == 1


def test_on_its_cadence_with_nothing_new_it_waits(weekly):
    let_pass(weekly, days=8)

    tasks.check_rules()

    assert chains() == []
    weekly.refresh_from_db()
    assert queries.rule_state(weekly).is_time


def test_the_next_time_is_a_week_after_the_last_chain(weekly, rank):
    rank(1)
    let_pass(weekly, days=7)
    tasks.check_rules()
    [chain] = chains()

    assert queries.rule_state(weekly).next_at == chain.created_at + timedelta(days=7)


def test_a_process_whose_clock_is_wrong_changes_nothing(weekly, rank, monkeypatch):
    rank(1)
    ahead = timezone.now() + timedelta(days=30)
    monkeypatch.setattr(timezone, "now", lambda: ahead)

    tasks.check_rules()

    assert chains() == []


def test_switching_it_on_again_begins_a_new_week(weekly, rank):
    rank(1)
    let_pass(weekly, days=8)
    for is_enabled in (False, True):
        actions.set_retrain_rule(project=weekly.project, actor=None, is_enabled=is_enabled, every_days=7)

    tasks.check_rules()

    assert chains() == []


# --- setting it


def test_its_runs_take_the_settings_of_the_runs_it_is_told(rule, rank, project, policy, engineer):
    like = actions.start_chain(
        project=project,
        kinds=["reward_model"],
        actor=engineer,
        snapshot=ranked_snapshot(project, rank),
        configs={"reward_model": {"epochs": 3, "seed": 7}},
    ).runs.get()
    actions.cancel_run(run=like, actor=engineer)
    actions.continue_chains()
    actions.set_retrain_rule(
        project=project, actor=engineer, is_enabled=True, after_rankings=1, reward_model_like=like
    )
    rank(1)

    [chain] = actions.check_rules()
    build(chain)

    run = chain.runs.get()
    assert run.config["epochs"] == 3
    assert run.seed != 7


def test_its_ppo_mixes_in_the_text_of_the_run_it_is_told(rank, project, policy, engineer, tmp_path):
    text = b'{"text": "Plain text."}\n'
    corpus = actions.upload_corpus(project=project, user=None, name="", file_name="a.jsonl", chunks=[text])
    actions.build_corpus(snapshot_id=corpus.pk)
    corpus.refresh_from_db()
    like = actions.start_run(
        project=project,
        kind="ppo",
        inputs={
            "policy": policy,
            "reward_model": make_version(project, tmp_path / "reward", kind="reward_model"),
        },
        snapshot=ranked_snapshot(project, rank),
        corpus=corpus,
        config={"ptx_coef": 2.5},
        actor=engineer,
    )
    actions.cancel_run(run=like, actor=engineer)
    actions.set_retrain_rule(
        project=project, actor=engineer, is_enabled=True, after_rankings=1, ppo_like=like
    )
    rank(1)

    [chain] = actions.check_rules()
    build(chain)
    work(chain.runs.get(kind="reward_model"))

    assert chain.runs.get(kind="reward_model").corpus is None
    run = chain.runs.get(kind="ppo")
    assert (run.corpus, run.config["ptx_coef"]) == (corpus, 2.5)


def ranked_snapshot(project, rank):
    rank(1)
    return make_snapshot(project)


def test_a_rule_that_is_on_says_when(project):
    with pytest.raises(DomainError, match="after how many rankings") as refused:
        actions.set_retrain_rule(project=project, actor=None, is_enabled=True)

    assert set(refused.value.fields) == {"after_rankings"}


@pytest.mark.parametrize("field", ["after_rankings", "every_days"])
def test_numbers_begin_at_one(project, field):
    with pytest.raises(DomainError) as refused:
        actions.set_retrain_rule(project=project, actor=None, is_enabled=True, **{field: 0})

    assert set(refused.value.fields) == {field}


def test_only_a_run_of_its_kind_of_this_project_lends_its_settings(project, policy):
    sample = make_sample_run(policy)

    with pytest.raises(DomainError) as refused:
        actions.set_retrain_rule(
            project=project, actor=None, is_enabled=True, after_rankings=1, ppo_like=sample
        )

    assert set(refused.value.fields) == {"ppo_like"}
