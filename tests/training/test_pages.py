"""Engineers' pages: the whole page, the fragment htmx asks for, and the plain form."""

import json

import pytest
from django.urls import reverse

from labeling import actions as labeling_actions
from tests.making import make_prompt
from tests.training.making import (
    make_claimed_run,
    make_promoted,
    make_ranking,
    make_sample_run,
    make_snapshot,
    make_version,
)
from training import actions, queries
from training.models import Run, Snapshot

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def model(project, tmp_path):
    make_prompt(project)
    return make_promoted(make_version(project, tmp_path / "policy"))


@pytest.fixture
def client(client_for, engineer):
    return client_for(engineer)


def text(answer):
    return answer.content.decode()


def record(run, *events):
    actions.record_events(run_id=run.pk, attempt=run.attempt, events=list(enumerate(events)))


# --- the list of runs


def test_a_project_without_runs_says_what_to_do(client, project):
    answer = client.get(reverse("runs", args=[project.public_id]))

    assert "Nothing has run yet" in text(answer)
    assert reverse("start-run", args=[project.public_id, "sample"]) in text(answer)


def test_the_list_shows_state_and_progress(client, project, model):
    run = make_claimed_run(model)
    record(run, {"type": "progress", "attempt": 1, "done": 3, "total": 12, "unit": "completions"})

    page = text(client.get(reverse("runs", args=[project.public_id])))

    assert '<progress max="12" value="3"' in page
    assert "running" in page
    assert 'hx-trigger="every 2s"' in page


def test_the_list_stands_still_when_nothing_runs(client, project, model):
    actions.cancel_run(run=make_sample_run(model), actor=None)

    assert "hx-trigger" not in text(client.get(reverse("runs", args=[project.public_id])))


def test_htmx_gets_the_table_alone(client, project, model):
    make_sample_run(model)

    fragment = text(client.get(reverse("runs", args=[project.public_id]), headers={"HX-Request": "true"}))

    assert fragment.startswith('<div id="runs"')
    assert "<html" not in fragment


# --- starting


@pytest.mark.parametrize("kind", Run.Kind.values)
def test_the_form_of_each_kind_shows_every_field_of_the_engine(client, project, model, tmp_path, kind):
    from training.engine.config import fields_of

    make_version(project, tmp_path / "reward", kind="reward_model")

    page = text(client.get(reverse("start-run", args=[project.public_id, kind])))

    for field in fields_of(kind):
        assert f'name="{field.name}"' in page


def test_the_form_starts_a_run_with_what_was_entered(client, project, model, engineer):
    address = reverse("start-run", args=[project.public_id, "sample"])

    answer = client.post(
        address, {"policy": model.public_id, "splits": ["train"], "temperature": "0.3", "max_new_tokens": ""}
    )

    run = Run.objects.get()
    assert answer.headers["Location"] == reverse("run", args=[run.public_id])
    assert (run.config["temperature"], run.config["max_new_tokens"]) == (0.3, 128)
    assert run.config["completions_per_prompt"] == project.completions_per_prompt
    assert (run.splits, run.created_by) == (["train"], engineer)


def test_a_refused_setting_is_told_at_its_field_and_the_entry_stays(client, project, model):
    address = reverse("start-run", args=[project.public_id, "sample"])

    answer = client.post(address, {"policy": model.public_id, "splits": ["train"], "temperature": "70"})

    assert answer.status_code == 400
    assert 'class="problem"' in text(answer)
    assert 'value="70"' in text(answer)
    assert not Run.objects.exists()


def test_a_rule_of_the_domain_is_told_in_the_form(client, project, model, engineer):
    prompt = make_prompt(project, split="valid")
    labeling_actions.import_demonstration(prompt=prompt, author=engineer, text="Because.")
    snapshot = make_snapshot(project)
    address = reverse("start-run", args=[project.public_id, "sft"])

    answer = client.post(address, {"policy": model.public_id, "snapshot": snapshot.public_id})

    assert answer.status_code == 400
    assert "no demonstrations in the train split" in text(answer)


def test_an_unknown_kind_has_no_form(client, project):
    assert client.get(reverse("start-run", args=[project.public_id, "dpo"])).status_code == 404


# --- one run


def test_a_running_run_is_asked_about_every_two_seconds(client, model):
    run = make_claimed_run(model)
    address = reverse("run", args=[run.public_id])

    page = text(client.get(address))

    seen = f"{address}?seen={queries.record_version(run)}"
    assert f'hx-get="{seen}" hx-trigger="every 2s"' in page
    assert reverse("cancel-run", args=[run.public_id]) in page


def test_htmx_gets_the_live_part_alone_and_it_ends_with_the_run(client, model):
    run = make_claimed_run(model)
    actions.fail_run(run_id=run.pk, attempt=1, exit_code=2, error="the snapshot has no prompts")

    fragment = text(client.get(reverse("run", args=[run.public_id]), headers={"HX-Request": "true"}))

    assert fragment.startswith('<div id="live"')
    assert "the snapshot has no prompts" in fragment
    assert "hx-trigger" not in fragment
    assert "cancel" not in fragment.lower().replace("cancelled", "")


def test_what_was_seen_is_not_sent_again_so_that_a_log_can_be_read_in_peace(client, model):
    run = make_claimed_run(model)
    address = reverse("run", args=[run.public_id])
    seen = {"seen": queries.record_version(run)}
    htmx = {"HX-Request": "true"}

    assert 'id="record"' not in text(client.get(address, seen, headers=htmx))
    record(run, {"type": "text", "attempt": 1, "step": 1, "prompt": "p", "completion": "c", "score": 1.0})
    run.directory.mkdir(parents=True, exist_ok=True)
    (run.directory / "log.txt").write_text("a new line\n")
    fragment = text(client.get(address, seen, headers=htmx))

    assert 'id="record" class="stack" hx-swap-oob="true"' in fragment
    assert "a new line" in fragment


def test_the_page_shows_numbers_texts_lineage_and_log(client, model):
    run = make_claimed_run(model)
    record(
        run,
        {"type": "metrics", "attempt": 1, "step": 1, "values": {"train/score": 0.25, "valid/score": 0.5}},
        {"type": "text", "attempt": 1, "step": 1, "prompt": "p", "completion": HOSTILE, "score": 0.75},
    )
    run.directory.mkdir(parents=True, exist_ok=True)
    (run.directory / "log.txt").write_text(f"a line\n{HOSTILE}\n")

    page = text(client.get(reverse("run", args=[run.public_id])))

    assert 'data-measure="score"' in page
    assert "0.25" in page
    assert "0.75" in page
    assert str(model) in page
    assert HOSTILE not in page
    assert page.count("&lt;script&gt;alert(1)") == 2


def test_numbers_come_as_curves_with_a_line_per_split(client, model):
    run = make_claimed_run(model)
    values = {"train/kl": 0.1, "valid/kl": 0.2, "grad_norm": 3.0, "new/measure": 4.0}
    record(run, {"type": "metrics", "attempt": 1, "step": 5, "values": values})

    answer = json.loads(client.get(reverse("run-metrics", args=[run.public_id])).content)

    curves = {curve["measure"]: curve for curve in answer["curves"]}
    assert curves["kl"]["lines"] == [
        {"name": "train", "points": [[5, 0.1]]},
        {"name": "valid", "points": [[5, 0.2]]},
    ]
    assert curves["kl"]["unit"] == "nats per completion"
    assert curves["new/measure"]["title"] == "new/measure"
    assert answer["is_over"] is False


def test_long_series_are_thinned_and_keep_their_end(model, monkeypatch):
    monkeypatch.setattr(queries.curves, "MOST_POINTS", 10)
    run = make_claimed_run(model)
    record(run, *({"type": "metrics", "attempt": 1, "step": n, "values": {"loss": n}} for n in range(1, 96)))

    points = queries.metric_series(run)["loss"]

    assert len(points) <= 11
    assert (points[0], points[-1]) == ((1, 1.0), (95, 95.0))


def test_the_whole_log_can_be_read(client, model):
    run = make_sample_run(model)
    address = reverse("run-log", args=[run.public_id])
    assert client.get(address).status_code == 404

    run.directory.mkdir(parents=True, exist_ok=True)
    (run.directory / "log.txt").write_text("all of it\n")
    answer = client.get(address)

    assert b"".join(answer.streaming_content) == b"all of it\n"
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_the_button_cancels(client, model, engineer):
    run = make_sample_run(model)

    answer = client.post(reverse("cancel-run", args=[run.public_id]), follow=True)

    run.refresh_from_db()
    assert run.status == "cancelled"
    assert run.status_changes.last().actor == engineer
    assert "cancelled" in text(answer)


def test_cancelling_what_is_over_says_so(client, model):
    run = actions.cancel_run(run=make_sample_run(model), actor=None)

    answer = client.post(reverse("cancel-run", args=[run.public_id]), follow=True)

    assert "nothing to cancel" in text(answer)


def test_a_result_is_shown_in_words_with_its_interval_and_n(client, model):
    run = make_claimed_run(model)
    metrics = {
        "valid_accuracy": 0.655,
        "valid_accuracy_low": 0.58,
        "valid_accuracy_high": 0.721,
        "valid_pairs": 1340,
        "brand_new": 2.0,
    }
    actions.finish_run(run_id=run.pk, attempt=1, result={"metrics": metrics})

    page = text(client.get(reverse("run", args=[run.public_id])))

    assert "Pairs ordered as people did, valid</dt><dd>65.5 %</dd>" in page
    assert '<dd class="muted">[58.0, 72.1], 1,340 pairs</dd>' in page
    assert "<dt>Pairs, valid</dt><dd>1,340</dd>" in page
    assert "<dt>brand_new</dt><dd>2</dd>" in page
    assert "valid_accuracy_low" not in page


# --- models


def test_models_show_their_figures_and_a_form_to_promote(client, project, model, tmp_path):
    other = make_version(project, tmp_path / "v1")
    type(other).objects.filter(pk=other.pk).update(metrics={"kl": 1.23456, "prompts": 60})

    page = text(client.get(reverse("models", args=[project.public_id])))

    assert "promoted" in page
    assert "1.235" in page
    assert reverse("promote-model", args=[other.public_id]) in page
    assert reverse("promote-model", args=[model.public_id]) not in page


def test_the_form_promotes_with_a_note(client, project, model, tmp_path, engineer):
    version = make_version(project, tmp_path / "v1")

    answer = client.post(
        reverse("promote-model", args=[version.public_id]), {"note": "reads better"}, follow=True
    )

    assert queries.promoted_version(project) == version
    assert project.promotions.get().note == "reads better"
    assert answer.redirect_chain[0][0] == reverse("run", args=[Run.objects.get().public_id])


def test_a_refused_promotion_says_why(client, project, model):
    answer = client.post(reverse("promote-model", args=[model.public_id]), follow=True)

    assert "promoted one already" in text(answer)


# --- snapshots


def test_the_button_takes_a_snapshot(client, project, model, annotator, engineer):
    make_ranking(annotator, project)

    answer = client.post(reverse("take-snapshot", args=[project.public_id]), follow=True)

    assert Snapshot.objects.get().created_by == engineer
    assert "being built" in text(answer)


def test_an_empty_snapshot_is_refused_on_the_page(client, project, model):
    answer = client.post(reverse("take-snapshot", args=[project.public_id]), follow=True)

    assert "nothing to take" in text(answer)
    assert not Snapshot.objects.exists()


def test_a_snapshot_shows_its_counts_and_hash(client, project, model):
    snapshot = make_snapshot(project, contents=["prompts"])

    page = text(client.get(reverse("snapshots", args=[project.public_id])))

    assert snapshot.content_hash[:12] in page
    assert "1 train" in page


@pytest.mark.parametrize("name", ["runs", "models", "snapshots"])
def test_no_page_needs_inline_script_or_style(client, project, model, name):
    make_sample_run(model)

    page = text(client.get(reverse(name, args=[project.public_id])))

    assert " style=" not in page
    assert "<style" not in page
    assert " onclick=" not in page
    assert all("src=" in tag.split(">")[0] for tag in page.split("<script")[1:])
