"""TensorBoard's own reader finds in a run's files what events.jsonl says."""

import subprocess
import sys

import pytest

from training.engine.events import EventLog, read_events
from training.engine.tensorboard import TensorBoardFiles


def read_back(directory):
    """Measure → step → value, as TensorBoard would show them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(directory))
    read.Reload()
    return {tag: {event.step: event.value for event in read.Scalars(tag)} for tag in read.Tags()["scalars"]}


def attempt(directory, number):
    files = TensorBoardFiles(directory / "tensorboard", attempt=number)
    return EventLog(directory / "events.jsonl", attempt=number, also=files.add)


def test_every_number_is_there_at_its_step(tmp_path):
    events = attempt(tmp_path, 1)

    for step in (1, 2, 3):
        events.metrics(step, {"train/score": step / 4, "kl": float("nan") if step == 2 else 0.5})

    assert read_back(tmp_path / "tensorboard") == {
        "train/score": {1: 0.25, 2: 0.5, 3: 0.75},
        "kl": {1: 0.5, 3: 0.5},
    }


def test_of_a_step_that_is_done_again_the_newer_attempts_number_stands(tmp_path):
    first = attempt(tmp_path, 1)
    for step in (1, 2, 3, 4):
        first.metrics(step, {"loss": float(step)})

    second = attempt(tmp_path, 2)
    for step in (3, 4, 5):
        second.metrics(step, {"loss": 10.0 * step})

    assert read_back(tmp_path / "tensorboard") == {"loss": {1: 1.0, 2: 2.0, 3: 30.0, 4: 40.0, 5: 50.0}}


def test_a_run_without_numbers_leaves_no_files(tmp_path):
    attempt(tmp_path, 1).message("nothing to count")

    assert not (tmp_path / "tensorboard").exists()


@pytest.mark.slow
def test_a_run_of_the_command_leaves_the_same_numbers_in_both(tiny_model, new_run):
    run = new_run(kind="sft", policy=str(tiny_model), seed=1, epochs=1, batch_size=4, eval_every=1)

    subprocess.run([sys.executable, "-m", "training.engine", "run", str(run)], check=True)

    reported: dict[str, dict[int, float]] = {}
    for event in read_events(run / "events.jsonl"):
        if event["type"] == "metrics":
            for name, value in event["values"].items():
                reported.setdefault(name, {})[event["step"]] = pytest.approx(value, rel=1e-5)
    assert "train/loss" in reported
    assert read_back(run / "tensorboard") == reported
