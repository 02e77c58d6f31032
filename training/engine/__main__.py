"""Command line of the engine: run a run directory, or convert the packaged SmolLM2."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from pathlib import Path

from training.engine.config import (
    PpoConfig,
    RewardModelConfig,
    RunConfig,
    SampleConfig,
    SftConfig,
    fields_of,
    load_config,
)
from training.engine.errors import ConfigError, DataError, EngineError, RecordError, StopRequested
from training.engine.events import EventLog, next_attempt
from training.engine.stopping import StopFlag
from training.engine.tensorboard import TensorBoardFiles

DONE, FAILED, BAD_INPUT, STOPPED = 0, 1, 2, 75

CPU_ENVIRONMENT = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "20000000000",
    "MALLOC_TOP_PAD_": "67108864",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "OMP_WAIT_POLICY": "PASSIVE",
}
DESCRIPTION = """\
The computation of Preceptor: files in, files out, no database.

A run directory holds config.json ({"kind": "sample" | "sft" | "reward_model" | "ppo", ...}) and snapshot/
with prompts.parquet, demonstrations.parquet, rankings.parquet as the kind needs. The run writes events.jsonl
while it works, the same numbers for TensorBoard in tensorboard/, checkpoints/ to resume from,
completions.jsonl (sample) or model/ (a Hugging Face directory), and result.json last. Run it again after a
crash and it goes on from its newest checkpoint.
"""
EPILOG = """\
exit codes: 0 done; 75 stopped by SIGTERM, run again to go on; 2 the config or the data is wrong (the last
event says what to do); 1 anything else. `python -m training.engine fields KIND` lists the fields of a kind's
config.
"""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    return int(options.command(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.engine",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="do the work of a run directory")
    run.add_argument("directory", type=Path, metavar="DIR")
    run.add_argument(
        "--attempt", type=int, metavar="N", help="number of this attempt (default: last in events + 1)"
    )
    run.set_defaults(command=_run)
    convert = commands.add_parser(
        "convert-smollm2", help="write SmolLM2-135M-Instruct as a Hugging Face directory"
    )
    convert.add_argument("directory", type=Path, metavar="DEST")
    convert.set_defaults(command=_convert)
    describe = commands.add_parser("fields", help="list the fields of a kind's config.json")
    describe.add_argument("kind", choices=("sample", "sft", "reward_model", "ppo"))
    describe.set_defaults(command=_describe)
    return parser


def _run(options: argparse.Namespace) -> int:
    directory: Path = options.directory
    if not directory.is_dir():
        print(f"{directory} is not a directory", file=sys.stderr)
        return BAD_INPUT
    stop = StopFlag()
    stop.listen()  # before torch is imported: a SIGTERM during the import must not be lost
    attempt = options.attempt or next_attempt(directory / "events.jsonl")
    numbers = TensorBoardFiles(directory / "tensorboard", attempt=attempt)
    events = EventLog(directory / "events.jsonl", attempt=attempt, also=numbers.add)
    try:
        _start(load_config(directory / "config.json"), directory, events, stop)
    except StopRequested:
        events.message("stopped by SIGTERM; run again to go on")
        return STOPPED
    except (ConfigError, DataError, RecordError) as error:
        return _fail(events, error.code, str(error), BAD_INPUT)
    except EngineError as error:
        return _fail(events, error.code, str(error), FAILED)
    except (
        Exception
    ) as error:  # the boundary of the process: whatever went wrong is told to whoever follows the run
        traceback.print_exc()
        return _fail(events, type(error).__name__, f"{type(error).__name__}: {error}", FAILED)
    return DONE


def _start(config: RunConfig, directory: Path, events: EventLog, stop: StopFlag) -> None:
    _prepare_transformers()
    from training.engine.context import RunContext
    from training.engine.precision import choose_precision

    context = RunContext(directory, events, stop, choose_precision(directory, config.dtype, events))
    match config:
        case SampleConfig():
            from training.engine.recipes import sample

            sample.run(config, context)
        case SftConfig():
            from training.engine.recipes import sft

            sft.train(config, context)
        case RewardModelConfig():
            from training.engine.recipes import reward_model

            reward_model.train(config, context)
        case PpoConfig():
            from training.engine.recipes import ppo

            ppo.train(config, context)


def settle_on_cpu() -> None:
    """Start this process again, under the same id, with CPU_ENVIRONMENT where it is not set otherwise.

    Both libraries read it only when a process starts. Measured with SmolLM2-135M on two cores: by default
    glibc maps every large tensor and unmaps it again, and page faults make a training step five times as
    slow; and OpenMP threads that spin while they wait make decoding eight times as slow when anything else
    runs.
    """
    missing = {name: value for name, value in CPU_ENVIRONMENT.items() if name not in os.environ}
    if sys.platform == "linux" and missing:
        os.environ.update(missing)
        os.execv(sys.executable, [sys.executable, "-m", "training.engine", *sys.argv[1:]])  # noqa: S606


def _prepare_transformers() -> None:
    os.environ.setdefault(
        "HF_HUB_OFFLINE", "1"
    )  # models are directories; a wrong path must not become a download
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()  # the output of a run is kept in a file


def _fail(events: EventLog, code: str, text: str, exit_code: int) -> int:
    events.error(code, text)
    print(f"error: {text}", file=sys.stderr)
    return exit_code


def _convert(options: argparse.Namespace) -> int:
    _prepare_transformers()
    from training.engine.smollm2 import convert_smollm2

    try:
        convert_smollm2(options.directory)
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    print(options.directory)
    return DONE


def _describe(options: argparse.Namespace) -> int:
    for entry in fields_of(options.kind):
        default = "required" if entry.is_required else f"default {entry.default}"
        print(f"{entry.name} ({entry.type}, {default}): {entry.help} {entry.effect} {entry.source}".rstrip())
    return DONE


if __name__ == "__main__":
    settle_on_cpu()
    sys.exit(main())
