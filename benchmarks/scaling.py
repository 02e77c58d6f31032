"""How memory and time of each stage of the engine grow: with the model, the batch, the prompt, K.

    python -m benchmarks.scaling [--quick]

Every point is a run of the real recipe in a process of its own, on a random Llama and random texts. Time is
CPU seconds of a step (the median over the steps after the first; of the whole work for sample and score),
with one torch thread, so that a busy machine changes little. Memory is the most that the process held beyond
what it held when torch and transformers were loaded.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.scaling_point import STAGES, Point, prepare, warm_up_of
from training.engine.__main__ import CPU_ENVIRONMENT

PREPARING = threading.Lock()


@dataclass(frozen=True)
class Sweep:
    """Points that differ in one thing."""

    name: str
    axis: str
    points: tuple[Point, ...]

    def along(self) -> list[float]:
        """Where on the axis each point stands."""
        return [float(getattr(point, self.axis)) for point in self.points]


@dataclass(frozen=True)
class Grid:
    """What is measured. sizes: (layers, width, vocabulary). The others: values of K, prompt, batch,
    microbatch."""

    sizes: tuple[tuple[int, int, int], ...]
    counts: tuple[int, ...]
    prompts: tuple[int, ...]
    batches: tuple[int, ...]
    budgets: tuple[int, ...]


QUICK = Grid(
    sizes=((2, 64, 259), (4, 128, 1024), (6, 160, 4096)),
    counts=(2, 4, 8),
    prompts=(32, 128, 512),
    batches=(2, 8),
    budgets=(512, 2048),
)
FULL = Grid(  # up to the size of SmolLM2-135M
    sizes=((4, 128, 1024), (6, 256, 4096), (12, 320, 16384), (18, 448, 32768), (30, 576, 49152)),
    counts=(2, 4, 6, 9),
    prompts=(32, 128, 512, 1024),
    batches=(4, 8, 16, 32),
    budgets=(512, 2048, 8192),
)


def sweeps(*, quick: bool) -> Iterator[Sweep]:
    """What is measured: every stage over models, batches and micro-batches, some over K, prompts, options."""
    grid = QUICK if quick else FULL
    base = Point("sft", *grid.sizes[1], batch=4 if quick else 8, microbatch=512 if quick else 1024)
    for stage in STAGES:
        own = replace(base, stage=stage)
        models = tuple(replace(own, layers=n, width=d, vocabulary=v) for n, d, v in grid.sizes)
        yield Sweep(f"{stage}, model", "parameters", models)
        yield Sweep(f"{stage}, batch", "batch", tuple(replace(own, batch=n) for n in grid.batches))
        if stage != "sample":
            large = replace(own, batch=max(grid.batches))
            yield Sweep(
                f"{stage}, microbatch",
                "microbatch",
                tuple(replace(large, microbatch=n) for n in grid.budgets),
            )
    for stage in ("reward_model", "sample", "score"):
        own = replace(base, stage=stage)
        yield Sweep(f"{stage}, K", "completions", tuple(replace(own, completions=n) for n in grid.counts))
    for stage in ("reward_model", "ppo", "sample"):
        own = replace(base, stage=stage, microbatch=max(grid.budgets))
        yield Sweep(f"{stage}, prompt", "prompt", tuple(replace(own, prompt=n) for n in grid.prompts))
    layers, width, vocabulary = grid.sizes[-1]
    large = replace(base, layers=layers, width=width, vocabulary=vocabulary, prompt=grid.prompts[1])
    large = replace(large, microbatch=max(grid.budgets))
    for stage in ("sft", "reward_model", "ppo"):
        own = replace(large, stage=stage)
        options = (own, replace(own, gradient_checkpointing=True), replace(own, lora_rank=8))
        yield Sweep(f"{stage}, options", "gradient_checkpointing", options)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="under 5 minutes, small models")
    options = parser.parse_args()
    started = time.monotonic()
    all_sweeps = list(sweeps(quick=options.quick))
    points = list(dict.fromkeys(point for sweep in all_sweeps for point in sweep.points))
    figures: dict[str, Any] = {"quick": options.quick, "sweeps": {}}
    # CPU seconds are little disturbed by a second point on another core; large models want all the memory.
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1) if options.quick else 1) as together:
        measured = together.map(in_a_fresh_process, points)
        found: dict[Point, Mapping[str, float]] = {}
        for sweep in all_sweeps:
            found |= {point: next(measured) for point in sweep.points if point not in found}
            entry = summary(sweep, [found[point] for point in sweep.points])
            figures["sweeps"][sweep.name] = entry
            print(table(sweep, entry), flush=True)
    figures["seconds"] = round(time.monotonic() - started)
    print(json.dumps(figures))


def in_a_fresh_process(point: Point) -> Mapping[str, float]:
    """The figures of a point; raises when its run fails."""
    environment = {**os.environ, **CPU_ENVIRONMENT, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryDirectory() as directory:
        with PREPARING:  # transformers sets the process's default dtype while it loads a model
            prepare(point, Path(directory) / "run")
            prepare(warm_up_of(point), Path(directory) / "warm-up")
        command = [sys.executable, "-m", "benchmarks.scaling_point", json.dumps(asdict(point)), directory]
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise RuntimeError(f"{point}\n{finished.stderr[-3000:]}")
    figures: Mapping[str, float] = json.loads(finished.stdout.splitlines()[-1])
    return figures


def summary(sweep: Sweep, found: list[Mapping[str, float]]) -> dict[str, Any]:
    """A sweep's figures, and the exponent of the power of the axis that time and memory follow."""
    entry: dict[str, Any] = {
        sweep.axis: sweep.along(),
        "cpu_seconds": [round(figures["cpu_seconds"], 4) for figures in found],
        "peak_mb": [round(figures["peak_mb"], 1) for figures in found],
    }
    if sweep.axis != "gradient_checkpointing":
        entry["time_slope"] = slope(sweep.along(), entry["cpu_seconds"])
        entry["memory_slope"] = slope(sweep.along(), entry["peak_mb"])
    return entry


def slope(xs: list[float], ys: list[float]) -> float | None:
    """Least-squares slope of log y over log x; None where a value is not positive."""
    if min(xs + ys) <= 0:
        return None
    across, up = [math.log(x) for x in xs], [math.log(y) for y in ys]
    middle, height = sum(across) / len(xs), sum(up) / len(ys)
    spread = sum((x - middle) ** 2 for x in across)
    return round(sum((x - middle) * (y - height) for x, y in zip(across, up, strict=True)) / spread, 2)


def table(sweep: Sweep, entry: Mapping[str, Any]) -> str:
    """A sweep as Markdown."""
    rows = zip(sweep.points, entry["cpu_seconds"], entry["peak_mb"], strict=True)
    lines = [f"| {sweep.name} | CPU s | peak MB |", "|---|---|---|"]
    lines += [f"| {label(sweep, point)} | {seconds:.3g} | {peak:.0f} |" for point, seconds, peak in rows]
    if "time_slope" in entry:
        lines.append(f"| slope | {entry['time_slope']} | {entry['memory_slope']} |")
    return "\n".join([*lines, ""])


def label(sweep: Sweep, point: Point) -> str:
    """Where a point stands on the axis, in words."""
    if sweep.axis == "parameters":
        return f"{point.parameters / 1e6:.2f}M parameters"
    if sweep.axis == "gradient_checkpointing":
        lora = f"LoRA of rank {point.lora_rank}" if point.lora_rank else "plain"
        return "gradient checkpointing" if point.gradient_checkpointing else lora
    return f"{sweep.axis} {getattr(point, sweep.axis)}"


if __name__ == "__main__":
    main()
