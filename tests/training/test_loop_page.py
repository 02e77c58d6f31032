"""The loop page: counts and words, the fragment, the buttons, the rule's form, its cost."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling.models import Project
from tests.making import make_demonstration_task, make_prompt, make_ranking_task
from tests.training.making import (
    make_claimed_run,
    make_model_directory,
    make_promoted,
    make_ranking,
    make_sample_run,
    make_snapshot,
    make_version,
)
from training import actions, tasks
from training.models import Chain, RetrainRule, Run

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def policy(project, tmp_path):
    return make_promoted(make_version(project, tmp_path / "policy"))


@pytest.fixture
def client(client_for, engineer):
    return client_for(engineer)


@pytest.fixture
def address(project):
    return reverse("loop", args=[project.public_id])


def stages(client, address):
    return {stage.key: stage for stage in client.get(address).context["stages"]}


def text(answer):
    return " ".join(answer.content.decode().split())


def start(client, project, kind):
    return client.post(reverse("start-stage", args=[project.public_id, kind]), follow=True)


def set_rule(project, **fields):
    return actions.set_retrain_rule(project=project, actor=None, is_enabled=True, **fields)


# --- what it says


def test_an_empty_project_says_at_each_stage_what_it_waits_for(client, address):
    shown = stages(client, address)

    assert list(shown) == [
        "prompts",
        "demonstrations",
        "sft",
        "sample",
        "rankings",
        "reward_model",
        "ppo",
        "decision",
    ]
    assert {stage.count for stage in shown.values()} == {0}
    assert shown["prompts"].waits_for == "Waits for the first prompts."
    assert shown["sample"].waits_for == "Waits for a promoted policy."
    assert shown["ppo"].waits_for == "Waits for a reward model."
    assert not any(stage.start_kind for stage in shown.values())


def test_counts_and_what_flows(client, address, project, policy, annotator):
    make_ranking(annotator, project)
    make_ranking_task(project)
    make_demonstration_task(project)
    make_version(project, policy.directory.parent / "rm", kind="reward_model")

    shown = stages(client, address)

    assert (shown["prompts"].count, shown["rankings"].count, shown["demonstrations"].count) == (3, 1, 0)
    assert shown["prompts"].flow.figure == "1"
    assert (shown["sample"].flow.figure, shown["rankings"].flow.figure) == ("1", "1")
    assert shown["reward_model"].waits_for == "1 ranking is new to it."
    assert shown["ppo"].waits_for == "Reward model v1 has not been used yet."
    assert [k for k, s in shown.items() if s.start_kind] == ["sample", "reward_model", "ppo"]


def test_what_waits_for_people_stands_out(client, address, project, policy):
    make_ranking_task(project)
    make_ranking_task(project)
    make_demonstration_task(project)

    page = text(client.get(address))

    assert "2 sets of outputs wait to be ranked" in page
    assert "1 prompt waits for an answer" in page
    assert page.count("to do</span>") == 2


def test_a_candidate_waits_for_a_decision_until_something_is_promoted(client, address, project, policy):
    candidate = made_by_a_run(project, policy)

    shown = stages(client, address)["decision"]
    assert shown.for_people == "Policy v1 waits for a decision"
    assert reverse("model", args=[candidate.public_id]) in text(client.get(address))

    actions.promote_model(project=project, version=candidate, user=None)
    assert stages(client, address)["decision"].for_people == ""


def made_by_a_run(project, policy):
    """A policy as PPO leaves it."""
    run = make_claimed_run(policy)
    Run.objects.filter(pk=run.pk).update(kind="ppo")
    make_model_directory(run.directory / "model")
    return actions.finish_run(run_id=run.pk, attempt=1, result={"model": "model"})


def test_a_run_under_way_shows_its_progress_and_no_button(client, address, project, policy):
    run = make_claimed_run(policy)
    progress = {"type": "progress", "attempt": 1, "done": 3, "total": 12, "unit": "completions"}
    actions.record_events(run_id=run.pk, attempt=1, events=[(0, progress)])

    shown = stages(client, address)["sample"]

    assert (shown.state, shown.progress, shown.start_kind) == ("running", (3, 12), "")
    assert '<progress max="12" value="3"' in text(client.get(address))


def test_progress_is_told_before_a_message(client, address, project, policy):
    run = make_claimed_run(policy)
    Run.objects.filter(pk=run.pk).update(status="running", message="Preparing the model")
    before = stages(client, address)["sample"].waits_for

    Run.objects.filter(pk=run.pk).update(progress_done=37, progress_total=272)

    assert (before, stages(client, address)["sample"].waits_for) == ("Preparing the model", "37 of 272 done.")


def test_a_failed_run_is_said_and_may_be_started_again(client, address, project, policy):
    run = make_claimed_run(policy)
    actions.fail_run(run_id=run.pk, attempt=1, exit_code=2, error="Out of memory.")

    shown = stages(client, address)["sample"]

    assert (shown.state, shown.start_kind) == ("failed", "sample")
    assert shown.run == run


def test_a_project_name_is_text(client, project, address):
    Project.objects.update(name=HOSTILE)

    assert HOSTILE not in client.get(address).content.decode()


def test_annotators_have_no_tab_and_engineers_do(client, client_for, annotator, project, address):
    home = reverse("project", args=[project.public_id])

    assert address in text(client.get(home))
    assert address not in text(client_for(annotator).get(home))


# --- live


def test_htmx_gets_the_fragment_and_nothing_while_nothing_has_changed(client, address, project, policy):
    htmx = {"HX-Request": "true"}
    fragment = client.get(address, headers=htmx)
    assert fragment.content.decode().startswith('<div id="loop"')
    seen = fragment.context["seen"]

    assert client.get(address, {"seen": seen}, headers=htmx).status_code in {204, 200}
    make_ranking_task(project)
    changed = client.get(address, {"seen": seen}, headers=htmx)

    assert changed.status_code == 200
    assert changed.context["seen"] != seen


# --- buttons


def test_the_button_of_sampling_starts_the_next_round(client, project, policy):
    make_prompt(project)

    page = start(client, project, "sample")

    assert page.redirect_chain == [(reverse("loop", args=[project.public_id]), 302)]
    assert Run.objects.get().kind == "sample"
    assert "queued" in text(page)
    assert "under way already" in text(start(client, project, "sample"))
    assert Run.objects.count() == 1


def test_the_button_of_training_waits_for_its_snapshot(client, project, policy, annotator, engineer, address):
    make_ranking(annotator, project)

    page = text(start(client, project, "reward_model"))
    assert "Waits for its snapshot." in page
    chain = Chain.objects.get()
    tasks.build_snapshot(chain.snapshot_id)

    assert stages(client, address)["reward_model"].state == "queued"
    assert Run.objects.get().created_by == engineer


def test_what_cannot_start_says_what_to_do(client, project, policy):
    assert "PPO needs a reward model: train one first." in text(start(client, project, "ppo"))


def test_there_is_no_button_for_an_unknown_kind(client, project):
    assert start(client, project, "nonsense").status_code == 404


def test_cancelling_a_chain(client, project, policy, annotator):
    make_ranking(annotator, project)
    start(client, project, "reward_model")
    chain = Chain.objects.get()
    cancel = reverse("cancel-chain", args=[chain.public_id])

    page = text(client.post(cancel, follow=True))
    assert "It stopped there: Cancelled by Eli." in page

    assert "nothing to cancel" in text(client.post(cancel, follow=True))


# --- the rule


def send_rule(client, project, **fields):
    return client.post(reverse("retrain-rule", args=[project.public_id]), fields, follow=True)


def test_a_manager_sets_the_rule(client_for, manager, project):
    page = send_rule(client_for(manager), project, is_enabled="on", after_rankings="50", every_days="")

    rule = RetrainRule.objects.get()
    assert (rule.is_enabled, rule.after_rankings, rule.every_days) == (True, 50, None)
    assert rule.changed_by == manager
    assert "0 of 50 new rankings" in text(page)


@pytest.mark.parametrize(
    "fields, sentence",
    [
        ({"is_enabled": "on"}, "Say after how many rankings"),
        ({"is_enabled": "on", "after_rankings": "0"}, "greater than or equal to 1"),
        ({"is_enabled": "on", "after_rankings": "many"}, "Enter a whole number"),
    ],
)
def test_a_rule_that_cannot_be_is_shown_again_with_the_reason(client, project, fields, sentence):
    answer = send_rule(client, project, **fields)

    assert answer.status_code == 400
    assert sentence in text(answer)
    assert not RetrainRule.objects.exists()


def test_the_page_says_how_far_the_rule_is(client, address, project, policy, annotator):
    set_rule(project, after_rankings=3)
    make_ranking(annotator, project)

    assert "1 of 3 new rankings" in text(client.get(address))


def test_the_page_names_the_day_in_the_projects_time_zone(client, address, project, policy):
    Project.objects.update(time_zone="Asia/Shanghai")
    rule = set_rule(project, every_days=7)
    RetrainRule.objects.update(enabled_at="2999-01-01T20:00:00Z")

    page = text(client.get(address))

    assert rule.is_enabled
    assert "next on Wednesday, 9 January, 04:00" in page


def test_when_it_is_due_and_nothing_is_new_it_says_so(client, address, project, policy):
    set_rule(project, every_days=7)
    RetrainRule.objects.update(enabled_at=F("enabled_at") - timedelta(days=8))

    assert "due; waits for a new ranking" in text(client.get(address))


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda p: Project.objects.update(paused_at=Now()), "no longer paused"),
        (lambda p: p.model_versions.update(is_promoted=False), "Waits for a promoted policy to start from."),
        (lambda p: None, "Starts within half a minute."),
    ],
)
def test_what_keeps_the_rule_waiting(client, address, project, policy, annotator, change, sentence):
    make_ranking(annotator, project)
    set_rule(project, after_rankings=1)
    change(project)

    assert sentence in text(client.get(address))


def test_automatic_runs_name_the_rule_as_their_starter(client, project, policy, annotator):
    make_ranking(annotator, project)
    set_rule(project, after_rankings=1)
    [chain] = actions.check_rules()
    tasks.build_snapshot(chain.snapshot_id)

    assert "Retrain rule" in text(client.get(reverse("runs", args=[project.public_id])))
    run = chain.runs.get()
    assert "Retrain rule" in text(client.get(reverse("run", args=[run.public_id])))


def test_the_page_follows_the_chain_and_says_why_it_stopped(client, address, project, policy, annotator):
    make_ranking(annotator, project)
    set_rule(project, after_rankings=1)
    [chain] = actions.check_rules()

    page = text(client.get(address))
    assert "Under way, started by the retrain rule" in page
    tasks.build_snapshot(chain.snapshot_id)
    run = actions.claim_run(run_id=chain.runs.get().pk, node="node-1")
    actions.fail_run(run_id=run.pk, attempt=1, exit_code=2, error=f"Out of memory. {HOSTILE}")
    tasks.execute_run(run.pk)

    page = text(client.get(address))
    assert "It stopped there:" in page
    assert "failed: Out of memory. &lt;script&gt;" in page
    assert "not begun" in page


# --- its cost


def cost(client, address):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address, headers={"HX-Request": "true"}).status_code == 200
    return len(captured)


def test_it_costs_the_same_whatever_the_projects_size(client, address, project, policy, annotator):
    set_rule(project, after_rankings=100, every_days=7)

    def grow():
        make_ranking(annotator, project)
        make_ranking_task(project)
        make_demonstration_task(project)
        make_sample_run(policy)
        snapshot = make_snapshot(project)
        made_by_a_run(project, policy)
        Chain.objects.create(
            project=project, snapshot=snapshot, kinds=["ppo"], status="failed", reason="r", finished_at=Now()
        )

    grow()
    client.get(address)
    small = cost(client, address)
    for _ in range(5):
        grow()

    assert cost(client, address) == small
    assert small <= 30
