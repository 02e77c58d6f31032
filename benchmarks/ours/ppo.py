"""The engine's PPO recipe, one PPO step per request. The recipe itself is what runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from benchmarks.answering import Questions, Stopwatch, peak_bytes
from training.engine.config import PpoConfig, parse_config
from training.engine.context import RunContext
from training.engine.events import EventLog
from training.engine.precision import Precision
from training.engine.recipes import ppo
from training.engine.records import Message, Prompt, write_records
from training.engine.stopping import StopFlag


class OneStepAtATime(EventLog):
    """Waits for a request before each step and answers it with the step's time and peak memory."""

    def __init__(self, path: Path, questions: Questions, after_imports: int) -> None:
        super().__init__(path, attempt=1)
        self._questions = questions
        self._after_imports = after_imports
        self._stopwatch: Stopwatch | None = None

    def metrics(self, step: int, values: dict[str, float]) -> None:
        super().metrics(step, values)
        if self._stopwatch is None:  # the figures of the start are there: the first step is next
            self._questions.answer(ready=True)
            self._wait()

    def progress(self, done: int, total: int, unit: str) -> None:
        super().progress(done, total, unit)
        assert self._stopwatch
        self._questions.answer(
            **self._stopwatch.read(), peak_bytes=peak_bytes(), bytes_after_imports=self._after_imports
        )
        self._wait()

    def _wait(self) -> None:
        self._questions.next()
        self._stopwatch = Stopwatch()


def configuration(work: dict[str, Any], *, steps: int) -> PpoConfig:
    """The config of `work`, a PpoWork of benchmarks/ppo_work.py."""
    config = parse_config(
        {
            "kind": "ppo",
            "dtype": work["dtype"],
            "seed": work["seed"],
            "policy": work["policy"],
            "reward_model": work["reward_model"],
            "steps": steps,
            "episodes_per_step": work["episodes"],
            "minibatches": work["minibatches"],
            "inner_epochs": work["inner_epochs"],
            "max_new_tokens": work["completion_tokens"],
            "rows_in_flight": work["episodes"],
            "temperature": 1.0,
            "policy_learning_rate": work["learning_rate"],
            "value_learning_rate": work["learning_rate"],
            "warmup_steps": 0,
            "trainable_layers": None,
            "kl_coef": work["kl_coef"],
            "missing_eos_penalty": work["missing_eos_penalty"],
            "scale_scores": False,
            "freeze_value_embeddings": False,
            "kl_cap": 1e6,
            "length_drift": None,
            "eval_every": 10**6,
            "eval_prompts": work["eval_prompts"],
            "checkpoint_every": 10**6,
            "tokens_per_microbatch": work["tokens_per_microbatch"],
        }
    )
    assert isinstance(config, PpoConfig)
    return config


def write_snapshot(work: dict[str, Any], directory: Path) -> None:
    """The prompts as the snapshot of a run."""
    directory.mkdir(parents=True, exist_ok=True)
    records = [
        Prompt(f"p{number}", (Message("user", prompt["text"]),), prompt["split"], "en", "other")
        for number, prompt in enumerate(json.loads(Path(work["prompts"]).read_text()))
    ]
    write_records(directory / "prompts.parquet", records)


def main() -> None:
    after_imports = peak_bytes()
    questions = Questions()
    work = questions.settings
    directory = Path(work["output"])
    shutil.rmtree(directory, ignore_errors=True)
    write_snapshot(work, directory / "snapshot")
    precision = Precision(work["dtype"], "cpu")
    if work["steps"] is None:  # one step a request, as long as there are requests
        events: EventLog = OneStepAtATime(directory / "events.jsonl", questions, after_imports)
        ppo.train(configuration(work, steps=10**6), RunContext(directory, events, StopFlag(), precision))
        return
    questions.answer(ready=True)
    questions.next()  # all steps, then the policy on the disk
    events = EventLog(directory / "events.jsonl", attempt=1)
    ppo.train(configuration(work, steps=work["steps"]), RunContext(directory, events, StopFlag(), precision))
    questions.answer(policy=str(directory / "model"))
    questions.next()


if __name__ == "__main__":
    main()
