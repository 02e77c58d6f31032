"""What a run reports is kept once, whatever is read twice, torn or repeated."""

import json

import pytest

from labeling.models import Completion, Task, TaskCompletion
from tests.making import make_prompt
from tests.training.making import make_claimed_run, make_version
from training import actions, queries
from training.models import Metric, Sample, SampledText
from training.process import LineFollower


@pytest.fixture
def run(project, tmp_path):
    make_prompt(project)
    return make_claimed_run(make_version(project, tmp_path / "policy"))


def record(run, *events, attempt=None):
    actions.record_events(
        run_id=run.pk, attempt=run.attempt, events=[(n * 100, e) for n, e in enumerate(events)]
    )
    run.refresh_from_db()


def metrics(step, attempt=1, **values):
    return {"type": "metrics", "attempt": attempt, "step": step, "values": values}


def completion(run, index, text="", prompt=None):
    prompt = prompt or run.project.prompts.first()
    return {
        "prompt_id": str(prompt.public_id),
        "index": index,
        "text": text or f"text {index}",
        "finish_reason": "stop",
        "token_count": 3,
        "logprob": -1.5,
        "seed": 7,
    }


def test_progress_message_numbers_and_texts_are_kept(run):
    record(
        run,
        {"type": "progress", "attempt": 1, "done": 3, "total": 10, "unit": "steps"},
        {"type": "message", "attempt": 1, "level": "info", "text": "resumed from step-3"},
        metrics(3, loss=0.5),
        {"type": "text", "attempt": 1, "step": 3, "prompt": "p", "completion": "c", "score": 1.25},
        {"type": "something new", "attempt": 1},
    )

    assert (run.progress_done, run.progress_total, run.progress_unit) == (3, 10, "steps")
    assert run.message == "resumed from step-3"
    assert queries.metric_series(run) == {"loss": [(3, 0.5)]}
    assert list(SampledText.objects.values_list("prompt", "completion", "score")) == [("p", "c", 1.25)]


def test_the_same_events_again_change_nothing(run):
    events = [
        metrics(1, loss=0.5),
        {"type": "text", "attempt": 1, "step": 1, "prompt": "p", "completion": "c", "score": None},
    ]

    record(run, *events)
    record(run, *events)

    assert Metric.objects.count() == 1
    assert SampledText.objects.count() == 1


def test_an_earlier_attempts_progress_does_not_move_the_bar_back(run):
    actions.requeue_run(run_id=run.pk, attempt=1, outcome="crashed")
    run = actions.claim_run(run_id=run.pk, node="node-1")

    record(
        run, {"type": "progress", "attempt": 1, "done": 9, "total": 10, "unit": "steps"}, metrics(9, loss=0.1)
    )

    assert run.progress_done == 0
    assert Metric.objects.count() == 1


def test_of_a_step_reported_by_two_attempts_the_newer_counts(run):
    record(
        run,
        metrics(1, loss=1.0),
        metrics(2, loss=2.0),
        metrics(2, attempt=2, loss=20.0),
        metrics(3, attempt=2, loss=3.0),
    )

    assert queries.metric_series(run) == {"loss": [(1, 1.0), (2, 20.0), (3, 3.0)]}


def test_text_that_postgresql_cannot_keep_is_mended(run):
    record(
        run,
        {"type": "text", "attempt": 1, "step": 1, "prompt": "a\x00b", "completion": "\ud800", "score": None},
    )

    assert list(SampledText.objects.values_list("prompt", "completion")) == [("a\ufffdb", "?")]


def test_a_prompt_becomes_a_task_with_its_last_completion(run):
    first = [completion(run, index) for index in range(3)]

    assert actions.record_completions(run_id=run.pk, attempt=1, completions=first) == 0
    assert actions.record_completions(run_id=run.pk, attempt=1, completions=[completion(run, 3)]) == 1

    task = Task.objects.get(kind="rank")
    assert (task.round, task.status) == (run.round, "open")
    assert sorted(task.completions.values_list("text", flat=True)) == ["text 0", "text 1", "text 2", "text 3"]
    sample = Sample.objects.get(index=3)
    assert (sample.seed, sample.token_count, sample.logprob, sample.finish_reason) == (7, 3, -1.5, "stop")
    assert sample.temperature == run.config["temperature"]


def test_completions_read_again_make_no_second_row_and_no_second_task(run):
    lines = [completion(run, index) for index in range(4)]

    assert actions.record_completions(run_id=run.pk, attempt=1, completions=lines) == 1
    assert actions.record_completions(run_id=run.pk, attempt=1, completions=lines) == 0
    assert actions.record_completions(run_id=run.pk, attempt=1, completions=[*lines, lines[0]]) == 0

    assert (Completion.objects.count(), Sample.objects.count(), Task.objects.count()) == (4, 4, 1)


def test_four_equal_texts_leave_nothing_to_rank(run):
    lines = [completion(run, index, "the same") for index in range(4)]

    assert actions.record_completions(run_id=run.pk, attempt=1, completions=lines) == 0

    assert (Sample.objects.count(), TaskCompletion.objects.count()) == (4, 0)


def test_another_projects_prompt_is_passed_over(run):
    from labeling.models import Project

    elsewhere = make_prompt(Project.objects.create(name="Other"))

    actions.record_completions(run_id=run.pk, attempt=1, completions=[completion(run, 0, prompt=elsewhere)])

    assert not Sample.objects.exists()


# --- reading files that grow


def read(follower):
    return [line for batch in follower.new_lines() for line in batch]


def test_a_file_that_is_not_there_yet_has_no_lines(tmp_path):
    assert read(LineFollower(tmp_path / "events.jsonl")) == []


def test_lines_come_once_with_their_place_in_the_file(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"a": 1}\n')
    follower = LineFollower(path)

    assert read(follower) == [(0, {"a": 1})]
    assert read(follower) == []
    with path.open("a") as file:
        file.write('{"b": "ü"}\n{"c": 3}\n')
    assert read(follower) == [(9, {"b": "ü"}), (21, {"c": 3})]


def test_a_last_line_without_its_end_waits_for_the_rest(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"a": 1}\n{"b"')
    follower = LineFollower(path)

    assert read(follower) == [(0, {"a": 1})]
    with path.open("a") as file:
        file.write(": 2}\n")
    assert read(follower) == [(9, {"b": 2})]


def test_a_line_torn_by_a_kill_is_passed_over(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"a": 1}\n{"to\n[1]\n{"b": 2}\n')

    assert [line for _offset, line in read(LineFollower(path))] == [{"a": 1}, {"b": 2}]


def test_a_batch_whose_use_failed_comes_again(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"a": 1}\n')
    follower = LineFollower(path)

    next(follower.new_lines())  # and the worker fails to keep it

    assert read(follower) == [(0, {"a": 1})]


def test_a_line_longer_than_a_batch_is_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(LineFollower, "MOST_AT_ONCE", 10)
    path = tmp_path / "events.jsonl"
    lines = [{"text": "x" * 100}, {"n": 1}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    assert [line for _offset, line in read(LineFollower(path))] == lines


def test_every_sentence_of_a_run_is_kept_with_its_level_once(run):
    said = [
        {"type": "message", "attempt": 1, "time": 1.0, "level": "warning", "text": "2 prompts are left out"},
        {"type": "message", "attempt": 1, "time": 2.0, "level": "info", "text": "resumed"},
        {"type": "error", "attempt": 1, "time": 3.0, "code": "bad_data", "text": "no \x00 model"},
    ]

    for _ in range(2):
        actions.record_events(run_id=run.pk, attempt=run.attempt, events=list(enumerate(said)))

    kept = [(m.level, m.text, m.said_at.timestamp()) for m in queries.messages_of(run)]
    assert kept == [
        ("error", "no \ufffd model", 3.0),
        ("info", "resumed", 2.0),
        ("warning", "2 prompts are left out", 1.0),
    ]
