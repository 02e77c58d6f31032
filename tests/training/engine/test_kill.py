"""kill -9 of a process at many places of every stage: the next attempt ends as if nothing had happened."""

import json
import os
import signal
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.engine import snapshots
from tests.training.engine.children import FORK, in_child
from tests.training.engine.conftest import attempt
from training.engine import files
from training.engine.events import read_events
from training.engine.records import Completion, Document, write_records
from training.engine.stopping import StopFlag

pytestmark = pytest.mark.slow

STOPPED = 75
TRAINING = {"checkpoint_every": 2, "learning_rate": 1e-3, "tokens_per_microbatch": 128}
PPO = {
    "kind": "ppo",
    "checkpoint_every": 1,
    "policy_learning_rate": 1e-3,
    "value_learning_rate": 1e-3,
    "steps": 3,
    "episodes_per_step": 4,
    "minibatches": 2,
    "max_new_tokens": 6,
    "eval_every": 2,
    "eval_prompts": 2,
    "kl_cap": 100.0,
}
CONFIGS = {
    "pretrain": {**TRAINING, "kind": "pretrain", "tokens_per_step": 400, "max_tokens": 64, "eval_every": 2},
    "sft": {**TRAINING, "kind": "sft", "batch_size": 3, "eval_every": 2},
    "sft with everything": {
        **TRAINING,
        "kind": "sft",
        "batch_size": 3,
        "eval_every": 2,
        "layout": "packed",
        "pretrain_mix": 0.3,
        "lora_rank": 2,
        "gradient_checkpointing": True,
    },
    "reward_model": {**TRAINING, "kind": "reward_model", "batch_size": 3, "epochs": 2},
    "ppo": {**PPO, "trainable_layers": 1},
    "ppo with everything": {
        **PPO,
        "trainable_layers": None,
        "lora_rank": 2,
        "gradient_checkpointing": True,
        "ema_decay": 0.5,
        "kl_target": 0.01,
        "kl_horizon": 20,
        "ptx_coef": 0.5,
        "ptx_ratio": 1.0,
        "ptx_tokens": 16,
        "value_warmup_steps": 1,
        "whiten_rewards": True,
    },
    "sample": {"kind": "sample", "completions_per_prompt": 3, "max_new_tokens": 12, "rows_in_flight": 5},
    "score": {"kind": "score", "tokens_per_microbatch": 64},
}
TRAINED = [name for name, config in CONFIGS.items() if config["kind"] not in ("sample", "score")]


class Ends(StopFlag):
    """Sends its process a signal at the nth look at the flag; counts the looks."""

    def __init__(self, number=signal.SIGKILL, at=0, seen=None):
        super().__init__()
        self.listen()
        self.number, self.at, self.seen, self.looks = number, at, seen, 0

    def check(self):
        self.looks += 1
        if self.seen is not None:
            self.seen.value = self.looks
        if self.looks == self.at:
            os.kill(os.getpid(), self.number)
        super().check()


def ending_at_flush(at, seen=None):
    """Put an end to this process when it has flushed its nth file or directory; count them."""
    flush, count = files.flush, 0

    def counting(path):
        nonlocal count
        flush(path)
        count += 1
        if seen is not None:
            seen.value = count
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)

    files.flush = counting


def work_on(directory, look=0, number=signal.SIGKILL, flush=0, looks_seen=None, flushes_seen=None):
    from training.engine.errors import StopRequested

    torch.set_num_threads(1)
    ending_at_flush(flush, flushes_seen)
    try:
        attempt(directory, stop=Ends(number, look, looks_seen))
    except StopRequested:
        os._exit(STOPPED)


def outcome(directory):
    """What a run leaves: its result without times, its weights, its rows in the order of their keys."""
    result = json.loads((directory / "result.json").read_text())
    timeless = {name: value for name, value in result["metrics"].items() if "second" not in name}
    weights = directory / "model" / "model.safetensors"
    rows = [json.loads(line) for path in directory.glob("*s.jsonl") for line in lines_of(path)]
    return (
        {**result, "metrics": timeless},
        load_file(weights) if weights.exists() else {},
        sorted(rows, key=lambda row: json.dumps(row | {"logprob": 0})),
    )


def lines_of(path):
    return [] if path.name == "events.jsonl" else path.read_text().splitlines()


def same(one, other):
    (result, weights, rows), (other_result, other_weights, other_rows) = one, other
    assert result == other_result
    assert weights.keys() == other_weights.keys()
    for name, weight in weights.items():
        assert torch.equal(weight, other_weights[name]), name
    assert [row | {"logprob": 0} for row in rows] == [row | {"logprob": 0} for row in other_rows]
    for row, other_row in zip(rows, other_rows, strict=True):  # the rows that share a batch are others now
        assert row.get("logprob") == pytest.approx(other_row.get("logprob"), abs=1e-4)


@pytest.fixture(scope="session")
def run_of(tiny_model, tiny_reward_model, tmp_path_factory):
    """Makes the directory of a run by its name in CONFIGS."""

    def make(name) -> Path:
        directory = tmp_path_factory.mktemp("run")
        snapshots.write(directory / "snapshot")
        documents = [Document(f"document {number} says nothing of note") for number in range(40)]
        write_records(directory / "snapshot" / "corpus.parquet", documents)
        completions = [
            Completion(f"{p.prompt_id}-{k}", p.prompt_id, p.messages, "mnop"[: k + 1])
            for p in snapshots.prompts()
            for k in range(24)
        ]
        write_records(directory / "snapshot" / "completions.parquet", completions)
        config = {"dtype": "float32", **CONFIGS[name]}
        config |= {"policy": str(tiny_model)} if config["kind"] != "score" else {}
        config |= {"reward_model": str(tiny_reward_model)} if config["kind"] in ("ppo", "score") else {}
        (directory / "config.json").write_text(json.dumps(config))
        return directory

    return make


@pytest.fixture(scope="session")
def whole(run_of):
    """The uninterrupted run of a kind: its outcome, how often it looked at the flag, how often it flushed."""
    done = {}

    def run(kind):
        if kind not in done:
            directory = run_of(kind)
            looks, flushes = FORK.Value("i", 0), FORK.Value("i", 0)
            assert in_child(partial(work_on, looks_seen=looks, flushes_seen=flushes), directory) == 0
            done[kind] = outcome(directory), looks.value, flushes.value
        return done[kind]

    return run


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_run_killed_at_any_place_ends_as_the_uninterrupted_one(run_of, whole, kind, share):
    expected, looks, _ = whole(kind)
    directory = run_of(kind)

    killed = in_child(partial(work_on, look=1 + round(share * (looks - 1))), directory)

    assert killed == -signal.SIGKILL
    assert not (directory / "result.json").exists()
    assert in_child(work_on, directory) == 0
    same(outcome(directory), expected)


@pytest.mark.parametrize("kind", TRAINED)
def test_a_run_killed_while_it_writes_files_ends_as_the_uninterrupted_one(run_of, whole, kind):
    expected, _, flushes = whole(kind)
    directory = run_of(kind)

    killed = in_child(partial(work_on, flush=1 + flushes // 2), directory)

    assert killed == -signal.SIGKILL
    assert in_child(work_on, directory) == 0
    same(outcome(directory), expected)
    assert not list(directory.rglob(".*.writing"))


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_run_that_is_stopped_and_then_killed_twice_ends_as_the_uninterrupted_one(run_of, whole, kind):
    expected, looks, _ = whole(kind)
    directory = run_of(kind)

    codes = [
        in_child(partial(work_on, look=looks // 2, number=signal.SIGTERM), directory),
        in_child(partial(work_on, look=max(1, looks // 8)), directory),
        in_child(partial(work_on, look=max(1, looks // 4)), directory),
        in_child(work_on, directory),
    ]

    assert codes == [STOPPED, -signal.SIGKILL, -signal.SIGKILL, 0]
    same(outcome(directory), expected)
    if kind in TRAINED:
        messages = [event.get("text", "") for event in read_events(directory / "events.jsonl")]
        assert any("resumed from step-" in message for message in messages)


@pytest.mark.parametrize("kind", ["sft", "ppo"])
def test_a_run_whose_newest_checkpoint_has_a_flipped_byte_goes_on_from_the_one_before(run_of, whole, kind):
    expected, looks, _ = whole(kind)
    directory = run_of(kind)
    assert in_child(partial(work_on, look=looks), directory) == -signal.SIGKILL
    before, newest = sorted((directory / "checkpoints").iterdir())
    content = bytearray((newest / "state.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (newest / "state.pt").write_bytes(content)

    assert in_child(work_on, directory) == 0

    same(outcome(directory), expected)
    messages = [event.get("text", "") for event in read_events(directory / "events.jsonl")]
    assert f"checkpoint {newest.name} is skipped: state.pt does not match its hash" in messages
    assert f"resumed from {before.name}" in messages
