"""Command line of the engine: run a run directory, or convert the packaged SmolLM2."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from training.engine.config import fields_of
from training.engine.errors import DataError
from training.engine.running import DONE, prepare_transformers, run_directory

CPU_ENVIRONMENT = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "20000000000",
    "MALLOC_TOP_PAD_": "67108864",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "OMP_WAIT_POLICY": "PASSIVE",
}
DESCRIPTION = """\
The computation of Preceptor: files in, files out, no database.

A run directory holds config.json ({"kind": "sample" | "score" | "pretrain" | "sft" | "reward_model" |
"ppo", ...}) and snapshot/ with prompts.parquet, completions.parquet, demonstrations.parquet,
rankings.parquet, corpus.parquet as the kind needs. The run writes events.jsonl while it works, the same
numbers for TensorBoard in tensorboard/, checkpoints/ to resume from, completions.jsonl (sample),
scores.jsonl and best.jsonl (score) or model/ (a Hugging Face directory), and result.json last. Run it again
after a crash and it goes on from its newest checkpoint.
"""
EPILOG = """\
exit codes: 0 done; 75 stopped by SIGTERM, run again to go on; 70 one of several processes was killed, run
again to go on; 2 the config or the data is wrong (the last event says what to do); 1 anything else.
`python -m training.engine fields KIND` lists the fields of a kind's config.
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
    describe.add_argument("kind", choices=("sample", "score", "pretrain", "sft", "reward_model", "ppo"))
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
    runs.
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
    for entry in fields_of(options.kind):
        default = "required" if entry.is_required else f"default {entry.default}"
        print(f"{entry.name} ({entry.type}, {default}): {entry.help} {entry.effect} {entry.source}".rstrip())
    return DONE


if __name__ == "__main__":
    settle_on_cpu()
    sys.exit(main())
