"""A disk that is full, for real: a clear refusal, and nothing lost that was there."""

import json
import os
import re
from functools import partial

import pytest
import torch
from safetensors.torch import load_file

from tests.training.engine import snapshots
from tests.training.engine.children import in_child
from tests.training.engine.cramped import cramped
from training.engine.checkpoints import newest_checkpoint, save_checkpoint
from training.engine.errors import DiskFull
from training.engine.events import EventLog, read_events
from training.engine.files import new_directory, write_json
from training.engine.stopping import StopFlag

FULL = r"(No space left on device|File too large): .* needs \d+ MB more, free \d+ MB"


@pytest.fixture(params=["small disk", "limit"])
def disk(tmp_path, request):
    with cramped(tmp_path / "disk", megabytes=8, by_mount=request.param == "small disk") as place:
        yield place


def hidden_files(directory):
    return list(directory.rglob(".*"))


def test_a_checkpoint_that_does_not_fit_leaves_the_one_before_and_is_written_once_there_is_room(disk):
    root = disk.directory / "checkpoints"
    events = EventLog(disk.directory.parent / "events.jsonl", attempt=1)
    state = {"weights": torch.arange(300_000.0)}
    save_checkpoint(root, step=1, attempt=1, state=state, keep=1)

    disk.fill(leaving=200_000)
    with pytest.raises(DiskFull, match=FULL):
        save_checkpoint(root, step=2, attempt=1, state=state, keep=1)
    kept = [path.name for path in root.iterdir()]
    found = newest_checkpoint(root, events)
    disk.empty()

    assert kept == ["step-000001-attempt-1"]
    assert found is not None
    assert torch.equal(found.state["weights"], state["weights"])
    save_checkpoint(root, step=2, attempt=1, state=state, keep=1)
    assert [path.name for path in root.iterdir()] == ["step-000002-attempt-1"]


def test_a_model_that_does_not_fit_leaves_the_one_before(disk, tiny_model, tokenizer):
    from training.engine.modeling import load_policy, save_policy

    policy = load_policy(tiny_model)
    model = disk.directory / "model"
    save_policy(policy, tokenizer, model)
    before = load_file(model / "model.safetensors")
    names = sorted(path.name for path in model.iterdir())

    disk.fill(leaving=20_000)
    with pytest.raises(DiskFull, match=FULL):
        save_policy(policy, tokenizer, model)
    after = load_file(model / "model.safetensors")
    disk.empty()

    assert sorted(path.name for path in model.iterdir()) == names
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not hidden_files(disk.directory)


def test_a_result_that_does_not_fit_leaves_the_one_before(disk):
    path = disk.directory / "result.json"
    write_json(path, {"steps": 1})

    disk.fill(leaving=4096)
    with pytest.raises(OSError, match=r"No space left|too large"):
        write_json(path, {"steps": 2, "words": "many " * 10_000})
    disk.empty()

    assert json.loads(path.read_text()) == {"steps": 1}
    assert not hidden_files(disk.directory)


def test_events_stay_whole_when_there_is_no_room_for_one(disk):
    path = disk.directory / "events.jsonl"
    events = EventLog(path, attempt=1)
    events.message("before")

    disk.fill(leaving=4096)
    with pytest.raises(OSError, match=r"No space left|too large"):
        events.message("long " * 10_000)
    events.message("short")
    disk.empty()
    events.message("after")

    assert [event["text"] for event in read_events(path)] == ["before", "short", "after"]
    assert path.read_text().count("\n") == 3


def test_an_error_that_has_nothing_to_do_with_the_disk_stays_what_it_is(tmp_path):
    with pytest.raises(RuntimeError, match="something else"), new_directory(tmp_path / "x", size=1000):
        raise RuntimeError("something else")

    assert not list(tmp_path.iterdir())


class FillsTheDisk(StopFlag):
    """Leaves little room at the nth look at the flag."""

    def __init__(self, disk, at):
        super().__init__()
        self.disk, self.at, self.looks = disk, at, 0

    def check(self):
        self.looks += 1
        if self.looks == self.at:
            self.disk.fill(leaving=20_000)
        super().check()


def run_it(directory, disk=None, at=0):
    from training.engine import running

    torch.set_num_threads(1)
    if disk is not None:
        running.StopFlag = partial(FillsTheDisk, disk, at)
    os._exit(running.run_directory(directory, attempt=None))


def make_run(directory, **config):
    snapshots.write(directory / "snapshot")
    (directory / "config.json").write_text(json.dumps({"dtype": "float32", **config}))
    return directory


def told(directory):
    """The code and the text of the error that ended the newest attempt."""
    error = read_events(directory / "events.jsonl")[-1]
    assert error["type"] == "error"
    return error["code"], error["text"]


def test_a_run_on_a_disk_that_fills_up_says_what_to_do_and_then_ends_as_any_other(disk, tiny_model):
    config = {"kind": "sft", "policy": str(tiny_model), "batch_size": 2, "eval_every": 100}
    runs = [make_run(disk.directory / name, **config, checkpoint_every=1) for name in ("whole", "run")]
    assert in_child(run_it, runs[0]) == 0

    assert in_child(run_it, runs[1], disk, 4) == 1
    if disk.mounted:
        disk.empty()

    code, text = told(runs[1])
    assert code == "disk_full"
    assert re.search(FULL, text)
    assert text.endswith("and run again; the checkpoint of step 3 is intact")
    assert in_child(run_it, runs[1]) == 0
    whole, resumed = (load_file(directory / "model" / "model.safetensors") for directory in runs)
    assert all(torch.equal(weight, resumed[name]) for name, weight in whole.items())


def test_sampling_on_a_disk_that_fills_up_keeps_what_is_finished(disk, tiny_model):
    config = {"kind": "sample", "policy": str(tiny_model), "completions_per_prompt": 40, "max_new_tokens": 8}
    run = make_run(disk.directory / "run", **config)

    assert in_child(run_it, run, disk, 3) == 1
    if disk.mounted:
        disk.empty()
    kept = (run / "completions.jsonl").read_bytes()

    code, text = told(run)
    assert code == "disk_full"
    assert "free some 100 MB at" in text and text.endswith("what was written is intact")
    assert in_child(run_it, run) == 0
    whole = (run / "completions.jsonl").read_bytes()
    finished = kept[: kept.rfind(b"\n") + 1]
    assert finished and whole.startswith(finished)
    assert whole.count(b"\n") == 12 * 40
