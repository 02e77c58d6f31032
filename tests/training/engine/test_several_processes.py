"""Two real processes that talk by gloo, started by torch's elastic agent: as one process would have done."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from tests.training.engine import snapshots
from tests.training.engine.conftest import attempt
from training.engine.algorithms.batching import microbatches
from training.engine.config import fields_of
from training.engine.distributed import Microbatch, Processes
from training.engine.errors import ProcessKilled, StopRequested
from training.engine.events import read_events
from training.engine.records import Document, write_records

pytestmark = pytest.mark.slow

RUNS: dict[str, dict[str, object]] = {
    "sft": {"kind": "sft", "batch_size": 5, "epochs": 3, "learning_rate": 1e-3, "eval_every": 2},
    "reward_model": {"kind": "reward_model", "batch_size": 3, "epochs": 2, "learning_rate": 1e-3},
    "ppo": {
        "kind": "ppo",
        "policy_learning_rate": 1e-3,
        "value_learning_rate": 1e-3,
        "steps": 3,
        "episodes_per_step": 10,
        "minibatches": 2,
        "max_new_tokens": 8,
        "eval_every": 2,
        "trainable_layers": 1,
        "kl_cap": 100.0,
    },
}
RUNS["sft with options"] = {
    **RUNS["sft"],
    "layout": "packed",
    "lora_rank": 2,
    "gradient_checkpointing": True,
    "pretrain_mix": 0.2,
    "select_by": "reward_model",
    "max_new_tokens": 8,
}
RUNS["ppo with options"] = {
    **RUNS["ppo"],
    "trainable_layers": None,
    "lora_rank": 2,
    "gradient_checkpointing": True,
    "ema_decay": 0.9,
    "kl_target": 1.0,
    "ptx_coef": 0.5,
    "ptx_ratio": 1.0,
    "ptx_tokens": 20,
    "whiten_rewards": True,
}
STRATEGIES = ["ddp", "fully_shard"]
PLAIN = ["sft", "reward_model", "ppo"]
TOGETHER = [(name, strategy) for name in PLAIN for strategy in STRATEGIES]
TOGETHER += [(name, "fully_shard") for name in RUNS if name not in PLAIN]
# Each row is a micro-batch of its own, and batches are of an odd number: the last round has a filler.
SMALL = {"dtype": "float32", "tokens_per_microbatch": 40, "checkpoint_every": 2}


def make_run(directory: Path, name: str, tiny_model: Path, reward_model: Path, **changes: object) -> Path:
    snapshots.write(directory / "snapshot")
    documents = [Document(f"document {number} says nothing of note") for number in range(40)]
    write_records(directory / "snapshot" / "corpus.parquet", documents)
    config = {"policy": str(tiny_model), **SMALL, **RUNS[name], **changes}
    if config["kind"] == "ppo" or "select_by" in config:
        config["reward_model"] = str(reward_model)
    (directory / "config.json").write_text(json.dumps(config))
    return directory


LONG = {"epochs": 120, "eval_every": 10, "checkpoint_every": 1000, "strategy": "fully_shard", "processes": 2}


@pytest.fixture(scope="module")
def runs(tiny_model, tiny_reward_model, tmp_path_factory):
    """(name, strategy) → a finished run; strategy "alone" is one process."""
    root = tmp_path_factory.mktemp("together")
    found = {}
    for name in RUNS:
        found[name, "alone"] = make_run(root / name, name, tiny_model, tiny_reward_model)
        attempt(found[name, "alone"])
        for strategy in [strategy for other, strategy in TOGETHER if other == name]:
            changes = {"processes": 2, "strategy": strategy}
            directory = root / f"{name}-{strategy}"
            found[name, strategy] = make_run(directory, name, tiny_model, tiny_reward_model, **changes)
    found["sft", "long"] = make_run(root / "long", "sft", tiny_model, tiny_reward_model, **LONG)
    together = [str(directory) for (_, strategy), directory in found.items() if strategy != "alone"]
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*start, "-m", "tests.training.engine.together", *together],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return found


def curves(run: Path) -> dict[tuple[int, str], float]:
    return {
        (event["step"], name): value
        for event in read_events(run / "events.jsonl")
        if event["type"] == "metrics"
        for name, value in event["values"].items()
        if not name.startswith("seconds")
    }


@pytest.mark.parametrize(("name", "strategy"), TOGETHER)
def test_two_processes_learn_as_one_does(runs, name, strategy):
    alone, together = curves(runs[name, "alone"]), curves(runs[name, strategy])

    seen = json.loads((runs[name, strategy] / "seen.json").read_text())
    assert seen["world_size"] == 2
    assert len(alone) > 10
    assert together.keys() == alone.keys()
    for (step, what), value in alone.items():
        # The mean of whitened advantages, which the policy's first loss is, and its divergence are 0 but for
        # rounding: of them the absolute difference counts.
        assert together[step, what] == pytest.approx(value, rel=1e-5, abs=1e-6), (step, what)
    expected = load_file(runs[name, "alone"] / "model" / "model.safetensors")
    found = load_file(runs[name, strategy] / "model" / "model.safetensors")
    assert found.keys() == expected.keys()
    for tensor_name, tensor in expected.items():
        torch.testing.assert_close(found[tensor_name], tensor, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", PLAIN)
def test_replicated_parameters_are_held_by_both_and_sharded_ones_in_parts(runs, name):
    replicated, sharded = (
        json.loads((runs[name, strategy] / "seen.json").read_text()) for strategy in STRATEGIES
    )

    assert replicated["is_sharded"] == [False]
    assert replicated["held"] == [replicated["of"]] * 2
    assert sharded["is_sharded"] == [True]
    assert sum(sharded["held"]) == sharded["of"] == replicated["of"]
    assert all(0.4 < held / sharded["of"] < 0.6 for held in sharded["held"])


@pytest.mark.parametrize("name", RUNS)
def test_one_process_goes_on_from_the_shards_of_two(runs, name, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "snapshot").symlink_to(runs[name, "alone"] / "snapshot")
    shutil.copy(runs[name, "alone"] / "config.json", run)
    shutil.copytree(runs[name, "fully_shard"] / "checkpoints", run / "checkpoints")
    newest = max((run / "checkpoints").iterdir())
    assert {"__0_0.distcp", "__1_0.distcp", ".metadata"} < {file.name for file in newest.iterdir()}

    attempt(run)

    assert any(f"resumed from {newest.name}" in e.get("text", "") for e in read_events(run / "events.jsonl"))
    expected = load_file(runs[name, "alone"] / "model" / "model.safetensors")
    found = load_file(run / "model" / "model.safetensors")
    for tensor_name, tensor in expected.items():
        torch.testing.assert_close(found[tensor_name], tensor, rtol=1e-4, atol=1e-5)


def start(run: Path) -> "subprocess.Popen[bytes]":
    with (run / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "training.engine", "run", str(run)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=log,
        )


def wait_for_steps(run: Path, agent: "subprocess.Popen[bytes]", *, attempt: int, count: int) -> None:
    """Until an attempt has told of so many steps."""
    while agent.poll() is None:
        events = read_events(run / "events.jsonl")
        if sum(e["type"] == "progress" and e["attempt"] == attempt for e in events) >= count:
            return
        time.sleep(0.05)
    raise AssertionError((run / "log.txt").read_text()[-3000:])


def test_two_processes_stop_together_go_on_as_if_nothing_had_been_and_end_when_one_is_killed(
    runs, tiny_model, tiny_reward_model, tmp_path
):
    run = make_run(tmp_path / "run", "sft", tiny_model, tiny_reward_model, **LONG)

    agent = start(run)
    wait_for_steps(run, agent, attempt=1, count=5)
    first = psutil.Process(agent.pid).children()
    agent.terminate()
    stopped = agent.wait(timeout=60)
    agent = start(run)
    wait_for_steps(run, agent, attempt=2, count=5)
    second = psutil.Process(agent.pid).children()
    second[1].kill()
    killed = agent.wait(timeout=60)

    assert (stopped, killed) == (StopRequested.exit_code, ProcessKilled.exit_code)
    assert [len(first), len(second)] == [2, 2]
    assert not any(rank.is_running() for rank in first + second)
    events = read_events(run / "events.jsonl")
    texts = {attempt: [e.get("text", "") for e in events if e["attempt"] == attempt] for attempt in (1, 2)}
    assert sum(text.startswith("stopped by SIGTERM") for text in texts[1]) == 1
    assert any(text.startswith("resumed from step-") for text in texts[2])
    assert texts[2][-1] == "process 1 was ended by SIGKILL: run again to go on"
    told, expected = curves(run), curves(runs["sft", "long"])
    assert len(told) > 20
    assert told == {key: expected[key] for key in told}  # to the last bit


def test_every_micro_batch_is_dealt_once_and_all_make_equally_many_passes():
    plan = microbatches([5, 9, 7, 3, 3, 8, 1], tokens_per_microbatch=8)

    shares = [Processes(rank, 3).deal(plan) for rank in range(3)]

    assert len({len(share) for share in shares}) == 1
    assert sorted(r for share in shares for m in share if m.counts for r in m.rows) == list(range(7))
    fillers = [m for share in shares for m in share if not m.counts]
    assert len(plan) == 6
    assert fillers == []
    assert Processes(2, 4).deal(plan) == [Microbatch([2]), Microbatch([6], counts=False)]


def test_the_settings_name_what_is_allowed():
    fields = {field.name: field for field in fields_of("ppo")}

    assert (fields["processes"].default, fields["strategy"].default) == (1, "ddp")
    assert fields["strategy"].choices == tuple(STRATEGIES)
