"""Run directories one after another in the processes that torchrun has started, because importing torch twice
for every run would take most of the tests' time. What each worked with is left in its seen.json.

    python -m torch.distributed.run --standalone --nproc-per-node 2 -m tests.training.engine.together DIR …
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch.distributed.tensor import DTensor

from training.engine.agent import leave
from training.engine.config import load_config
from training.engine.config_fields import TrainingConfig
from training.engine.context import RunContext
from training.engine.distributed import Processes, joined_processes
from training.engine.events import EventLog
from training.engine.optimization import Learner
from training.engine.precision import Precision
from training.engine.running import carry_out, prepare_transformers
from training.engine.stopping import StopFlag


def main(directories: list[str]) -> None:
    torch.set_num_threads(1)
    prepare_transformers()
    with joined_processes("ddp") as processes:
        for directory in directories:
            _work(Path(directory), processes)


def _work(directory: Path, processes: Processes) -> None:
    config = load_config(directory / "config.json")
    assert isinstance(config, TrainingConfig)
    processes = replace(processes, is_sharded=config.strategy == "fully_shard")
    events = EventLog(directory / "events.jsonl" if processes.is_first else Path(os.devnull), attempt=1)
    seen = _watch_steps()
    carry_out(config, RunContext(directory, events, StopFlag(), Precision("float32", "cpu"), processes))
    shares = processes.gather([seen["held"]])
    if processes.is_first:
        (directory / "seen.json").write_text(
            json.dumps({**seen, "held": shares, "world_size": processes.world_size})
        )


def _watch_steps() -> dict[str, Any]:
    """What the learners' parameters are when they step: are they DTensors, how many numbers are held here."""
    seen: dict[str, Any] = {"is_sharded": set(), "held": 0, "of": 0}
    step = Learner.step

    def watched(learner: Learner, *, learning_rate_factor: float) -> float:
        Learner.step = step  # type: ignore[method-assign]
        seen["is_sharded"] = sorted({isinstance(p, DTensor) for p in learner.parameters})
        seen["of"] = sum(p.numel() for p in learner.parameters)
        seen["held"] = sum(
            (p.to_local() if isinstance(p, DTensor) else p).numel() for p in learner.parameters
        )
        return step(learner, learning_rate_factor=learning_rate_factor)

    Learner.step = watched  # type: ignore[method-assign]
    return seen


if __name__ == "__main__":
    main(sys.argv[1:])
    leave(0)
