"""A run that is killed and resumed ends as the uninterrupted one: the same weights, bit for bit."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from tests.training.engine.conftest import attempt
from training.engine.checkpoints import newest_checkpoint, save_checkpoint
from training.engine.errors import StopRequested
from training.engine.events import EventLog, read_events
from training.engine.stopping import StopFlag

CONFIGS = {
    "sft": {"kind": "sft", "learning_rate": 1e-3, "batch_size": 3, "eval_every": 2},
    "reward_model": {"kind": "reward_model", "learning_rate": 1e-3, "batch_size": 2, "epochs": 2},
    "ppo": {
        "kind": "ppo",
        "policy_learning_rate": 1e-3,
        "value_learning_rate": 1e-3,
        "steps": 5,
        "episodes_per_step": 6,
        "minibatches": 2,
        "max_new_tokens": 8,
        "eval_every": 1,
        "trainable_layers": 1,
        "kl_cap": 100.0,
    },
}


class KillAfter(StopFlag):
    """A kill -9 in the middle of computation: an exception that no recipe knows, at the nth look at the
    flag."""

    def __init__(self, looks: int, error: type[BaseException]) -> None:
        super().__init__()
        self.looks = looks
        self.error = error

    def check(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            raise self.error


def config_of(kind, tiny_model, tiny_reward_model):
    config = {**CONFIGS[kind], "policy": str(tiny_model), "checkpoint_every": 1}
    return config | ({"reward_model": str(tiny_reward_model)} if kind == "ppo" else {})


def outcome(run):
    result = json.loads((run / "result.json").read_text())
    return load_file(run / "model" / "model.safetensors"), result


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, StopRequested])
def test_an_interrupted_run_ends_with_the_same_weights(new_run, tiny_model, tiny_reward_model, kind, error):
    config = config_of(kind, tiny_model, tiny_reward_model)
    whole, broken = new_run("whole", **config), new_run("broken", **config)
    attempt(whole)

    with pytest.raises(error):
        attempt(broken, stop=KillAfter(looks=45 if kind == "ppo" else 4, error=error))
    assert list((broken / "checkpoints").iterdir())
    attempt(broken)

    (weights, result), (resumed_weights, resumed_result) = outcome(whole), outcome(broken)
    assert resumed_result == result
    assert weights.keys() == resumed_weights.keys()
    for name, tensor in weights.items():
        assert torch.equal(tensor, resumed_weights[name]), name
    events = read_events(broken / "events.jsonl")
    assert {event["attempt"] for event in events} == {1, 2}
    assert any("resumed from step-" in event.get("text", "") for event in events)


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
    run = new_run(**config_of("sft", tiny_model, None))
    attempt(run)
    before, _ = outcome(run)
    shutil.rmtree(run / "checkpoints")

    attempt(run)

    after, _ = outcome(run)
    assert all(torch.equal(before[name], after[name]) for name in before)
