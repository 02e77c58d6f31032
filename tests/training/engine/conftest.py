"""A tiny model and run directories for it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.training.engine import snapshots
from training.engine.config import parse_config
from training.engine.context import RunContext
from training.engine.events import EventLog, next_attempt
from training.engine.precision import Precision
from training.engine.stopping import StopFlag

# What a pass over sequences is given outside a run.
CONTEXT = RunContext(
    Path("no directory"), EventLog(Path(os.devnull), attempt=1), StopFlag(), Precision("float32", "cpu")
)


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    import torch

    from training.engine.tiny import make_tiny_model

    torch.set_num_threads(1)  # tensors this small only wait for a second thread
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tokenizer(tiny_model) -> Any:
    from training.engine.tokenization import load_tokenizer

    return load_tokenizer(tiny_model)


@pytest.fixture(scope="session")
def tiny_reward_model(tiny_model, tokenizer, tmp_path_factory) -> Path:
    """An untrained reward model on the tiny model, with a bias of 0.25."""
    import torch

    from training.engine.modeling import new_reward_model, save_reward_model

    model = new_reward_model(tiny_model, layers=1, seed=3)
    with torch.no_grad():
        model.score_bias.fill_(0.25)
    directory = tmp_path_factory.mktemp("models") / "reward"
    save_reward_model(model, tokenizer, directory)
    return directory


@pytest.fixture
def new_run(tmp_path) -> Callable[..., Path]:
    """Make a run directory with a snapshot of eight prompts, demonstrations and rankings."""

    def make(name: str = "run", **config: Any) -> Path:
        directory = tmp_path / name
        snapshots.write(directory / "snapshot")
        (directory / "config.json").write_text(json.dumps({"dtype": "float32", **config}))
        return directory

    return make


def context_of(directory: Path, *, stop: StopFlag | None = None) -> RunContext:
    """A new attempt at a run directory, in this process."""
    events = EventLog(directory / "events.jsonl", attempt=next_attempt(directory / "events.jsonl"))
    return RunContext(directory, events, stop or StopFlag(), Precision("float32", "cpu"))


def attempt(directory: Path, *, stop: StopFlag | None = None) -> None:
    """Work on a run directory in this process, as `python -m training.engine run` does in its own."""
    from training.engine.running import carry_out

    config = parse_config(json.loads((directory / "config.json").read_text()))
    carry_out(config, context_of(directory, stop=stop))
