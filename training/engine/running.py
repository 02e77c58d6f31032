"""One attempt at a run directory: in this process, or in several that it starts and watches."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from training.engine import agent
from training.engine.config import (
    PpoConfig,
    PretrainConfig,
    RewardModelConfig,
    RunConfig,
    SampleConfig,
    ScoreConfig,
    SftConfig,
    load_config,
)
from training.engine.errors import (
    ConfigError,
    DiskFull,
    EngineError,
    StopRequested,
)
from training.engine.events import EventLog, next_attempt
from training.engine.files import full_disk_of
from training.engine.stopping import StopFlag
from training.engine.tensorboard import TensorBoardFiles

if TYPE_CHECKING:  # importing it loads torch
    from training.engine.context import RunContext

DONE, FAILED = 0, 1


def run_directory(directory: Path, *, attempt: int | None) -> int:
    """Do the work of a run directory; returns the exit code. attempt: its number, by default the next one."""
    stop = StopFlag()
    stop.listen()  # before torch is imported: a SIGTERM during the import must not be lost
    rank = agent.rank_in_environment()
    attempt = attempt or next_attempt(directory / "events.jsonl")
    if rank is None or rank == 0:
        numbers = TensorBoardFiles(directory / "tensorboard", attempt=attempt)
        events = EventLog(directory / "events.jsonl", attempt=attempt, also=numbers.add)
    else:  # the first process speaks for all
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
        events = EventLog(Path(os.devnull), attempt=attempt)
    try:
        config = load_config(directory / "config.json")
        processes = getattr(config, "processes", 1)
        if processes > 1 and rank is None:
            codes = agent.run_processes(directory, stop, attempt=attempt, processes=processes)
            return _code_of_all(codes)
        if rank is not None:
            agent.die_with_parent()
        _work(config, directory, events, stop)
    except StopRequested:
        events.message("stopped by SIGTERM; run again to go on")
        return StopRequested.exit_code
    except DiskFull as error:
        return _fail(events, error.code, _what_is_left(str(error), directory), FAILED)
    except EngineError as error:
        return _fail(events, error.code, str(error), error.exit_code)
    except (
        Exception
    ) as error:  # the boundary of the process: whatever went wrong is told to whoever follows the run
        traceback.print_exc()
        if reason := full_disk_of(error, directory):
            return _fail(events, DiskFull.code, _what_is_left(reason, directory), FAILED)
        name, text = type(error).__name__, f"{type(error).__name__}: {error}"
        if rank:  # what all processes refuse alike, the first one tells; this one may be alone with its error
            events, text = EventLog(directory / "events.jsonl", attempt=attempt), f"process {rank}: {text}"
        return _fail(events, name, text, FAILED)
    return DONE


def _fail(events: EventLog, code: str, text: str, exit_code: int) -> int:
    print(f"error: {text}", file=sys.stderr)
    try:
        events.error(code, text)
    except OSError as error:  # a disk without room for a line; standard error has it
        print(f"events.jsonl cannot be written: {error}", file=sys.stderr)
    return exit_code


def _code_of_all(codes: list[int]) -> int:
    """One exit code for several processes: a stop or a refusal only if none of them fared worse."""
    return next(
        (code for code in (FAILED, ConfigError.exit_code, StopRequested.exit_code) if code in codes), DONE
    )


def _what_is_left(reason: str, directory: Path) -> str:
    """Why there is no room, what to do, and from where the run then goes on."""
    from training.engine.checkpoints import newest_step

    step = newest_step(directory / "checkpoints")
    left = "what was written" if step is None else f"the checkpoint of step {step}"
    return f"{reason} and run again; {left} is intact"


def _work(config: RunConfig, directory: Path, events: EventLog, stop: StopFlag) -> None:
    prepare_transformers()
    from training.engine.context import RunContext
    from training.engine.distributed import joined_processes
    from training.engine.machine import announce_machine, this_machine
    from training.engine.precision import choose_precision

    with joined_processes(getattr(config, "strategy", None)) as processes:
        chosen = choose_precision(directory, config.dtype, events) if processes.is_first else None
        precision = processes.first(chosen)
        assert precision is not None
        if processes.is_first:
            announce_machine(directory, events, this_machine(processes=processes.world_size))
        carry_out(config, RunContext(directory, events, stop, precision, processes))


def carry_out(config: RunConfig, context: RunContext) -> None:
    """Follow the recipe of a config's kind."""
    match config:
        case SampleConfig():
            from training.engine.recipes import sample

            sample.run(config, context)
        case ScoreConfig():
            from training.engine.recipes import score

            score.run(config, context)
        case PretrainConfig():
            from training.engine.recipes import pretrain

            pretrain.train(config, context)
        case SftConfig():
            from training.engine.recipes import sft

            sft.train(config, context)
        case RewardModelConfig():
            from training.engine.recipes import reward_model

            reward_model.train(config, context)
        case PpoConfig():
            from training.engine.recipes import ppo

            ppo.train(config, context)


def prepare_transformers() -> None:
    """Keep transformers from the network and its bars out of the log. Before its first import."""
    # Models are directories; a wrong path must not become a download.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()  # the output of a run is kept in a file
