"""A run of two processes under a worker: however it ends, none of its processes stays."""

import json
import os
import signal
import time

import psutil
import pytest

from tests.training.engine import snapshots
from training.engine.errors import StopRequested
from training.process import EngineProcess


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    from training.engine.tiny import make_tiny_model

    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def run(tiny_model, tmp_path, monkeypatch):
    """The directory of a run that takes far longer than any test."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    snapshots.write(tmp_path / "run" / "snapshot")
    config = {"kind": "sft", "policy": str(tiny_model), "processes": 2, "epochs": 1000, "dtype": "float32"}
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    return tmp_path / "run"


def start(run):
    """The engine as a worker starts it, once it has started its processes; and they."""
    child = EngineProcess(["run", str(run), "--attempt", "1"], log=run / "log.txt")
    agent = psutil.Process(child.pid)
    while len(ranks := agent.children()) < 2:
        assert child.exit_code(wait=0.05) is None, (run / "log.txt").read_text()[-2000:]
    assert child.exit_code(wait=0.05) is None
    return child, ranks


def all_gone(processes):
    """Whether they are gone within a few seconds; what nobody waits for may be a zombie until then."""
    for _ in range(100):
        left = [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        if not left:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
def test_a_run_that_is_asked_to_stop_ends_with_all_its_processes(run):
    child, ranks = start(run)
    assert {os.getsid(rank.pid) for rank in ranks} == {rank.pid for rank in ranks}

    child.stop()

    assert child.exit_code(wait=120) == StopRequested.exit_code
    child.kill()
    assert all_gone(ranks)


def test_processes_die_with_their_agent_when_nobody_is_left_to_sweep(run):
    child, ranks = start(run)
    while min(rank.memory_info().rss for rank in ranks) < 100e6:  # they load torch: it is asked for before
        assert child.exit_code(wait=0.05) is None, (run / "log.txt").read_text()[-2000:]

    os.kill(child.pid, signal.SIGKILL)

    assert all_gone(ranks)
    assert child.exit_code(wait=10) == -signal.SIGKILL


def test_processes_whose_agent_was_killed_are_swept_away(run):
    child, ranks = start(run)
    for rank in ranks:
        rank.suspend()  # before they can have asked the kernel to end with their agent

    os.kill(child.pid, signal.SIGKILL)

    assert child.exit_code(wait=10) == -signal.SIGKILL
    child.kill()
    assert all_gone(ranks)
