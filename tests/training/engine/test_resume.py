"""Checkpoints: which one a run goes on from. What it then ends with is in test_kill.py."""

import shutil

import pytest
import torch
from safetensors.torch import load_file

from tests.training.engine.conftest import attempt
from training.engine.checkpoints import newest_checkpoint, save_checkpoint
from training.engine.events import EventLog, read_events


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    for step in (1, 2, 10, 9):
        save_checkpoint(tmp_path, step=step, attempt=1, state={}, keep=2)

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "step-000009-attempt-1",
        "step-000010-attempt-1",
    ]


@pytest.mark.parametrize(
    "damage",
    [
        "no manifest",
        "torn state",
        "flipped byte",
        "torn manifest",
        "no state",
        "manifest is a list",
        "manifest is not text",
        "manifest without files",
    ],
)
def test_a_damaged_checkpoint_is_skipped_with_a_warning(tmp_path, damage):
    events = EventLog(tmp_path / "events.jsonl", attempt=2)
    root = tmp_path / "checkpoints"
    save_checkpoint(root, step=1, attempt=1, state={"of": 1}, keep=5)
    newest = save_checkpoint(root, step=2, attempt=1, state={"of": 2}, keep=5)
    match damage:
        case "no manifest":
            (newest / "manifest.json").unlink()
        case "torn state":
            (newest / "state.pt").write_bytes((newest / "state.pt").read_bytes()[:-10])
        case "flipped byte":
            content = bytearray((newest / "state.pt").read_bytes())
            content[len(content) // 2] ^= 1
            (newest / "state.pt").write_bytes(content)
        case "manifest is not text":
            (newest / "manifest.json").write_bytes(b"\xff\xfe\x00")
        case "manifest without files":
            (newest / "manifest.json").write_text('{"step": 2, "files": {}}')
        case "torn manifest":
            (newest / "manifest.json").write_text('{"step": 2, "fi')
        case "no state":
            (newest / "state.pt").unlink()
        case "manifest is a list":
            (newest / "manifest.json").write_text("[]")

    checkpoint = newest_checkpoint(root, events)

    assert checkpoint is not None
    assert (checkpoint.step, checkpoint.state) == (1, {"of": 1})
    (warning,) = read_events(tmp_path / "events.jsonl")
    assert (warning["type"], warning["level"], warning["attempt"]) == ("message", "warning", 2)
    assert "step-000002-attempt-1 is skipped" in warning["text"]


def test_the_later_attempt_at_a_step_wins_and_leftovers_go(tmp_path):
    for attempt_number in (1, 10, 9):
        save_checkpoint(tmp_path, step=3, attempt=attempt_number, state={"of": attempt_number}, keep=5)
    (tmp_path / ".step-000004-attempt-1.writing").mkdir()

    checkpoint = newest_checkpoint(tmp_path, EventLog(tmp_path / "events.jsonl", attempt=1))

    assert checkpoint is not None
    assert checkpoint.state == {"of": 10}
    assert not list(tmp_path.glob(".step*"))


def test_a_finished_run_can_be_run_again(new_run, tiny_model):
    run = new_run(kind="sft", policy=str(tiny_model), learning_rate=1e-3, batch_size=3)
    attempt(run)
    before = load_file(run / "model" / "model.safetensors")
    shutil.rmtree(run / "checkpoints", ignore_errors=True)

    attempt(run)

    after = load_file(run / "model" / "model.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)
