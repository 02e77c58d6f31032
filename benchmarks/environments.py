"""The other programs' virtual environments, and processes that do a piece of work when asked.

Two sides of a benchmark are two processes that stay alive. They are asked in turn, so that whatever else the
machine does falls on both alike; the side that is not asked sleeps.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
DIRECTORY = REPOSITORY / "var" / "benchmarks"
SMOLLM2 = DIRECTORY / "smollm2"
TORCH = "torch==2.13.0"
SHARED = ("transformers==5.23.0", "datasets", "accelerate", "peft", "gguf")

# The same for both sides. glibc's defaults map and unmap every large tensor, which would measure page faults.
CHILD_ENVIRONMENT = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "20000000000",
    "MALLOC_TOP_PAD_": "67108864",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "1000",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONPATH": str(REPOSITORY),
}


@dataclass(frozen=True)
class Environment:
    """A virtual environment under var/benchmarks/ with one peer in it."""

    name: str
    requirements: tuple[str, ...]
    torch: str | None = TORCH

    @property
    def packages(self) -> list[str]:
        return [*((self.torch,) if self.torch else ()), *self.requirements]

    @property
    def directory(self) -> Path:
        return DIRECTORY / self.name

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    @property
    def is_set_up(self) -> bool:
        """Whether the environment is there, complete and made from these requirements."""
        stamp = self.directory / "installed"
        return stamp.is_file() and stamp.read_text().split() == self.packages

    def set_up(self) -> None:
        """Make the environment, once; TORCH_INDEX names where torch comes from, as in `make install`."""
        if self.is_set_up:
            return
        print(f"{self.name}: installing into {self.directory}; it takes some minutes", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.directory], check=True)
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet"]
        index = os.environ.get("TORCH_INDEX")
        if self.torch:
            source = ("--no-deps", "--index-url", index) if index else ()
            subprocess.run([*pip, *source, self.torch], check=True)
        subprocess.run([*pip, *self.packages], check=True)
        (self.directory / "installed").write_text("\n".join(self.packages))


TRL_REWARD = Environment("trl-1.16.0", (*SHARED, "trl==1.16.0"))
TRL_PPO = Environment("trl-1.12.0", (*SHARED, "trl==1.12.0"))
LABEL_STUDIO = Environment("label-studio-1.23.2", ("label-studio==1.23.2",), torch=None)


def set_up(*environments: Environment) -> None:
    """What --setup does: environments of the peers, and SmolLM2 as safetensors."""
    from training.engine.smollm2 import convert_smollm2

    DIRECTORY.mkdir(parents=True, exist_ok=True)
    convert_smollm2(SMOLLM2)
    for environment in environments:
        environment.set_up()


def require_set_up(module: str, *environments: Environment) -> None:
    """End with one line when something that --setup makes is missing."""
    missing = [environment.name for environment in environments if not environment.is_set_up]
    if not (SMOLLM2 / "config.json").is_file():
        missing.append("smollm2")
    if missing:
        sys.exit(f"not set up ({', '.join(missing)}): type python -m {module} --setup first")


class Side:
    """A process that answers one JSON line with one JSON line; see benchmarks/answering.py for its half."""

    def __init__(self, module: str, settings: dict[str, Any], *, python: Path, threads: int) -> None:
        """Start `python -m module`; `ready` waits until it says that it is."""
        self.module = module
        self._log = DIRECTORY / f"{module}.log"
        environment = {**os.environ, **CHILD_ENVIRONMENT, "OMP_NUM_THREADS": str(threads)}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [python, "-m", module, json.dumps(settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=DIRECTORY,
                env=environment,
            )
        self._ready: dict[str, Any] = {}

    @property
    def ready(self) -> dict[str, Any]:
        """What the process said when it was ready."""
        self._ready = self._ready or self._read()
        return self._ready

    def ask(self, **request: Any) -> dict[str, Any]:
        """Its answer to a request; ends the benchmark with the end of its log when it died."""
        assert self.ready and self._process.stdin
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End the process, which gives its memory to the next."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            last = "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
            sys.exit(f"{self.module} ended without an answer; the end of {self._log}:\n{last}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def own_python() -> Path:
    """The interpreter of this process, for our side."""
    return Path(sys.executable)


@dataclass(frozen=True)
class Pairing:
    """Answers of both sides, round by round."""

    ours: list[dict[str, Any]]
    theirs: list[dict[str, Any]]

    def ratio(self, of: Callable[[dict[str, Any]], float]) -> dict[str, float]:
        """min, median and max over rounds of a figure of ours divided by theirs."""
        return spread([of(our) / of(their) for our, their in zip(self.ours, self.theirs, strict=True)])


def alternate(ours: Side, theirs: Side, *, rounds: int, **request: Any) -> Pairing:
    """Ask both sides in turn; who is first changes with every round."""
    assert ours.ready and theirs.ready  # neither is still loading while the other works
    pairing = Pairing([], [])
    for number in range(rounds):
        turns = [(ours, pairing.ours), (theirs, pairing.theirs)]
        for side, answers in turns if number % 2 == 0 else turns[::-1]:
            answers.append(side.ask(**request))
    return pairing


def spread(values: Sequence[float]) -> dict[str, float]:
    """min, median, max."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def arguments(module: str, description: str) -> argparse.Namespace:
    """--setup, --quick, --threads: the same for every benchmark."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--setup", action="store_true", help="make the peers' environments, once, and end")
    parser.add_argument("--quick", action="store_true", help="2 rounds, smaller shapes, under 5 minutes")
    parser.add_argument(
        "--threads", type=int, default=len(os.sched_getaffinity(0)), help="of each side (default: all cores)"
    )
    return parser.parse_args()
