"""A reward model's figures side by side, and the best of n: a few tables, not forty numbers."""

import pytest
from django.urls import reverse

from tests.training.making import make_claimed_run, make_sample_run, make_version
from training import actions, queries
from training.models import ModelVersion, Run
from training.templatetags.runs import figures, interval, value

JUDGED = {
    "steps": 9,
    "valid_accuracy": 0.7181,
    "valid_accuracy_low": 0.6974,
    "valid_accuracy_high": 0.7391,
    "valid_pairs": 1340,
    "valid_rankings": 210,
    "valid_log_loss": 0.5512,
    "valid_ece": 0.0321,
    "valid_tau": 0.41,
    "valid_best_found": 0.5,
    "valid_length_correlation": 0.2,
    "valid_longer_wins": 0.61,
    "valid_accuracy_gap_1": 0.6,
    "valid_accuracy_gap_1_low": 0.55,
    "valid_accuracy_gap_1_high": 0.65,
    "valid_accuracy_gap_10": 0.9,
    "valid_accuracy_gap_10_low": 0.85,
    "valid_accuracy_gap_10_high": 0.95,
    "valid_accuracy_k_4": 0.7181,
    "valid_accuracy_longer": 0.8,
    "held_out_accuracy": 0.66,
    "held_out_pairs": 90,
    "held_out_rankings": 15,
    "held_out_tau": 0.3,
}


def test_what_a_reward_model_was_measured_on_stands_side_by_side():
    [table] = queries.tables_of(JUDGED)

    assert table.columns == [
        ("Valid prompts", "1,340 pairs of 210 rankings"),
        ("Held-out annotators", "90 pairs of 15 rankings"),
    ]
    rows = {
        label: [cell and f"{value(cell)} {interval(cell)}".strip() for cell in cells]
        for label, cells in table.rows
    }
    assert rows == {
        "Pairs ordered as people did": ["71.8 % [69.7, 73.9]", "66.0 %"],
        "… where people chose the longer one": ["80.0 %", None],
        "Always choosing the longer one would order": ["61.0 %", None],
        "The highest score is a first place": ["50.0 %", None],
        "Kendall's tau, mean over rankings": ["0.41", "0.3"],
        "Log loss, nats per pair": ["0.5512", None],
        "Calibration error (ECE)": ["3.2 %", None],
        "Correlation of score and length within a ranking": ["0.2", None],
        "… that are 1 place apart": ["60.0 % [55.0, 65.0]", None],
        "… that are 10 places apart": ["90.0 % [85.0, 95.0]", None],
        "… in rankings of 4 outputs": ["71.8 %", None],
    }


def test_beside_the_table_only_the_whole_is_shown():
    assert [(shown.title, shown.n) for shown in figures(JUDGED)] == [
        ("Pairs ordered as people did, valid", "1,340 pairs"),
        ("Pairs ordered as people did, held-out annotators", "90 pairs"),
        ("Steps", ""),
    ]


def test_an_older_result_is_shown_as_it_was():
    older = {"valid_accuracy": 0.7, "valid_pairs": 10, "valid_rankings": 2, "valid_log_loss": 0.6}

    assert queries.tables_of(older) == []
    assert len(figures(older)) == 4


def test_the_best_of_n_is_a_table_by_n():
    metrics = {"completions": 8}
    for n in (1, 2, 16):
        metrics |= {f"best_of_{n}_score": n / 10, f"best_of_{n}_prompts": 3, f"best_of_{n}_kl_bound": 0.5 * n}

    [table] = queries.tables_of(metrics)

    assert [(label, [value(cell) for cell in cells]) for label, cells in table.rows] == [
        ("Best of 1", ["0.1", "0.5", "3"]),
        ("Best of 2", ["0.2", "1", "3"]),
        ("Best of 16", ["1.6", "8", "3"]),
    ]
    assert [shown.title for shown in figures(metrics)] == ["Completions"]


@pytest.fixture
def client(client_for, engineer):
    return client_for(engineer)


def test_the_page_of_a_reward_model_shows_the_table(client, project, tmp_path):
    version = make_version(project, tmp_path / "reward", kind="reward_model")
    ModelVersion.objects.filter(pk=version.pk).update(metrics=JUDGED)

    page = client.get(reverse("model", args=[version.public_id])).content.decode()

    assert "How it judges" in page and "Held-out annotators" in page and "that are 1 place apart" in page
    assert "valid_accuracy_gap_1" not in page


def test_why_an_alarm_has_stopped_a_run_is_said_on_its_page(client, project, tmp_path):
    run = make_claimed_run(make_version(project, tmp_path / "policy"))
    why = "the divergence from the reference was over kl_cap (3 nats) at 2 evaluations in a row"
    actions.finish_run(run_id=run.pk, attempt=1, result={"metrics": {}, "stopped": why})

    page = client.get(reverse("run", args=[run.public_id])).content.decode()

    assert "Stopped by an alarm:" in page and why in page
    other = make_sample_run(make_version(project, tmp_path / "other"))
    assert "alarm" not in client.get(reverse("run", args=[other.public_id])).content.decode()


def test_the_figures_of_a_score_run_are_no_curves(project, tmp_path):
    run = make_claimed_run(make_version(project, tmp_path / "policy"))
    Run.objects.filter(pk=run.pk).update(kind="score")
    events = [
        {"type": "metrics", "attempt": 1, "step": 8, "values": {"best_of_2_score": 0.5, "completions": 8}}
    ]
    actions.record_events(run_id=run.pk, attempt=1, events=list(enumerate(events)))
    run.refresh_from_db()

    assert queries.curves_of(run) == []
