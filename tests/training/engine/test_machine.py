"""A run says where it runs, and when that is not where it began."""

import json
import re

import pytest
import torch

from training.engine.events import EventLog, read_events
from training.engine.machine import Machine, announce_machine, this_machine

HERE = Machine(torch="2.13.0", threads=2, cpu="some CPU", processes=1)


def attempts(directory, *machines):
    for number, machine in enumerate(machines, start=1):
        announce_machine(directory, EventLog(directory / "events.jsonl", attempt=number), machine)
    return read_events(directory / "events.jsonl")


def test_every_attempt_says_where_it_runs(tmp_path):
    first, second = attempts(tmp_path, HERE, HERE)

    for number, event in enumerate((first, second), start=1):
        assert (event["attempt"], event["level"]) == (number, "info")
        assert re.search(r"torch 2\.13\.0, CPU some CPU \(\w+\), threads 2, processes 1$", event["text"])


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"threads": 4}, "threads was 2 and is 4"),
        ({"torch": "2.14.0"}, "torch was 2.13.0 and is 2.14.0"),
        ({"cpu": "another"}, "cpu was some CPU and is another"),
        ({"processes": 2}, "processes was 1 and is 2"),
    ],
)
def test_an_attempt_elsewhere_warns_that_bits_will_differ(tmp_path, changed, named):
    elsewhere = Machine(**{**HERE.__dict__, **changed})

    _, _, warning, *none = attempts(tmp_path, HERE, elsewhere)

    assert not none
    assert warning["level"] == "warning"
    assert named in warning["text"]
    assert "not bit for bit" in warning["text"]
    assert json.loads((tmp_path / "machine.json").read_text()) == HERE.__dict__


def test_this_machine_is_read_from_torch_and_the_system():
    machine = this_machine(processes=3)

    assert (machine.torch, machine.threads, machine.processes) == (
        torch.__version__,
        torch.get_num_threads(),
        3,
    )
    assert machine.cpu
