"""Command line of the engine: run a run directory, or convert the packaged SmolLM2."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from pathlib import Path

from training.engine.agent import leave
from training.engine.config import CONFIG_TYPES, fields_of
from training.engine.config_fields import allowed_values
from training.engine.errors import DataError
from training.engine.running import DONE, prepare_transformers, run_directory

CPU_ENVIRONMENT = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "20000000000",
    "MALLOC_TOP_PAD_": "67108864",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "1000",
}
DESCRIPTION = """\
The computation of Preceptor: files in, files out, no database.

stages (the "kind" in config.json), what they read from snapshot/ and what they leave:
  pretrain      corpus.parquet                                  model/
  sft           demonstrations.parquet (corpus.parquet to mix)  model/
  reward_model  rankings.parquet, demonstrations.parquet        model/, a sequence classifier of one label
  ppo           prompts.parquet (corpus.parquet to mix)         model/
  sample        prompts.parquet                                 completions.jsonl
  score         completions.parquet                             scores.jsonl, best.jsonl

a run directory:
  config.json   {"kind": "sft", "policy": "path/to/a/model", ...}; `fields KIND` lists the rest
  snapshot/     the rows of training/engine/records.py as Parquet
  events.jsonl  written while it works: numbers, progress, messages; the numbers also in tensorboard/
  checkpoints/  from which the same command goes on after a crash, to the same result
  model/        a Hugging Face directory
  result.json   written last
"""
EPILOG = """\
from nothing to completions:
  python -m training.engine convert-smollm2 /tmp/demo/smollm2
  mkdir -p /tmp/demo/run/snapshot
  python - <<'END'
  from pathlib import Path
  from training.engine.records import Message, Prompt, write_records
  texts = ["Name three rivers.", "Why is the sky blue?"]
  prompts = [Prompt(str(n), (Message("user", t),), "train", "en", "") for n, t in enumerate(texts)]
  write_records(Path("/tmp/demo/run/snapshot/prompts.parquet"), prompts)
  END
  echo '{"kind": "sample", "policy": "/tmp/demo/smollm2", "max_new_tokens": 32}' > /tmp/demo/run/config.json
  python -m training.engine run /tmp/demo/run
  cat /tmp/demo/run/completions.jsonl

exit codes: 0 done; 75 stopped by SIGTERM, run again to go on; 2 the config or the data is wrong (the last
event says what to do); 1 anything else.
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
    run = commands.add_parser("run", help="do the work of a run directory, or go on with it")
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
    describe.add_argument("kind", choices=tuple(CONFIG_TYPES))
    describe.set_defaults(command=_describe)
    return parser


def _run(options: argparse.Namespace) -> int:
    directory: Path = options.directory
    if not directory.is_dir():
        print(f"{directory} is not a directory", file=sys.stderr)
        return DataError.exit_code
    return run_directory(directory, attempt=options.attempt)


def settle_on_cpu() -> None:
    """Start this process again, under the same id, with CPU_ENVIRONMENT where it is not set otherwise.

    Both libraries read it only when a process starts. Measured with SmolLM2-135M on two cores: by default
    glibc maps every large tensor and unmaps it again, and page faults make a training step five times as
    slow; and OpenMP threads that spin while they wait make decoding eight times as slow when anything else
    runs. Some microseconds of spinning is both: a PPO step of a tiny model took 2.2 s with 1,000 rounds
    and 3.0 with none where nothing else ran, and 4.5 against 3.9 beside two busy processes (10,000: 11.6).
    """
    missing = {name: value for name, value in CPU_ENVIRONMENT.items() if name not in os.environ}
    if sys.platform == "linux" and missing:
        os.environ.update(missing)
        os.execv(sys.executable, [sys.executable, "-m", "training.engine", *sys.argv[1:]])  # noqa: S606


def _convert(options: argparse.Namespace) -> int:
    prepare_transformers()
    from training.engine.smollm2 import convert_smollm2

    try:
        convert_smollm2(options.directory)
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return DataError.exit_code
    print(options.directory)
    return DONE


def _describe(options: argparse.Namespace) -> int:
    """Each field as `name = default`, then what it takes, does and follows."""
    for entry in fields_of(options.kind):
        print(entry.name if entry.is_required else f"{entry.name} = {json.dumps(entry.default)}")
        unit = f" ({entry.unit})" if entry.unit else ""
        needed = ", required" if entry.is_required else ""
        print(f"    {allowed_values(entry)}{unit}{needed}")
        print(
            textwrap.fill(
                f"{entry.help} {entry.effect}", 100, initial_indent="    ", subsequent_indent="    "
            )
        )
        if entry.source:
            print(f"    source: {entry.source}")
        print()
    return DONE


if __name__ == "__main__":
    settle_on_cpu()
    leave(main())
