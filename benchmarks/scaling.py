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
import random
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.answering import peak_bytes
from training.engine.__main__ import CPU_ENVIRONMENT

STAGES = ("pretrain", "sft", "reward_model", "ppo", "sample", "score")
MEGABYTE = 2**20


@dataclass(frozen=True)
class Point:
    """One run. layers, width, vocabulary: the model. prompt, completion: tokens of each. completions: K.

    batch: demonstrations, rankings, episodes or packed rows of a step; prompts of a sample or score run.
    microbatch: tokens computed at once; rows in flight when sampling.
    """

    stage: str
    layers: int
    width: int
    vocabulary: int
    prompt: int = 64
    completion: int = 32
    completions: int = 4
    batch: int = 8
    microbatch: int = 1024
    gradient_checkpointing: bool = False
    lora_rank: int | None = None

    @property
    def parameters(self) -> int:
        """Of the language model, its embeddings tied: per layer 2.5 d² of attention, 9 d² of the MLP."""
        return self.vocabulary * self.width + self.layers * int(11.5 * self.width**2)


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
    large = replace(large, microbatch=max(grid.budgets), batch=max(grid.batches))
    for stage in ("sft", "reward_model", "ppo"):
        own = replace(large, stage=stage)
        options = (own, replace(own, gradient_checkpointing=True), replace(own, lora_rank=8))
        yield Sweep(f"{stage}, options", "gradient_checkpointing", options)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="under 5 minutes, small models")
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        point, directory = options.point
        print(json.dumps(measured(Point(**json.loads(point)), Path(directory))))
        return
    started = time.monotonic()
    found: dict[Point, Mapping[str, float]] = {}
    figures: dict[str, Any] = {"quick": options.quick, "sweeps": {}}
    for sweep in sweeps(quick=options.quick):
        for point in sweep.points:
            if point not in found:
                found[point] = in_a_fresh_process(point)
        entry = summary(sweep, [found[point] for point in sweep.points])
        figures["sweeps"][sweep.name] = entry
        print(table(sweep, entry), flush=True)
    figures["seconds"] = round(time.monotonic() - started)
    print(json.dumps(figures))


def in_a_fresh_process(point: Point) -> Mapping[str, float]:
    """The figures of a point; raises when its run fails."""
    environment = {**os.environ, **CPU_ENVIRONMENT, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryDirectory() as directory:
        prepare(point, Path(directory) / "run")
        prepare(warm_up_of(point), Path(directory) / "warm-up")
        command = [
            sys.executable,
            "-m",
            "benchmarks.scaling",
            "--point",
            json.dumps(asdict(point)),
            directory,
        ]
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


# --- a point, in the process of its own


def measured(point: Point, directory: Path) -> dict[str, float]:
    """Run a point whose files are there, after a small run that loads all there is to load; its figures."""
    carry_out(warm_up_of(point), directory / "warm-up", Watch())
    watch = Watch()
    idle = reset_peak()
    started = time.process_time()
    carry_out(point, directory / "run", watch)
    seconds = watch.step_seconds() or time.process_time() - started
    return {"cpu_seconds": seconds, "peak_mb": (peak_bytes() - idle) / MEGABYTE}


def warm_up_of(point: Point) -> Point:
    """The smallest run of the same stage."""
    return replace(point, layers=1, width=32, vocabulary=259, prompt=48, completion=4, batch=2)


def carry_out(point: Point, directory: Path, watch: Watch) -> None:
    """The run of a point, in this process."""
    from training.engine import running
    from training.engine.config import parse_config
    from training.engine.context import RunContext
    from training.engine.events import EventLog
    from training.engine.precision import Precision
    from training.engine.stopping import StopFlag

    running.prepare_transformers()
    events = EventLog(directory / "events.jsonl", attempt=1, also=watch.tell)
    context = RunContext(directory, events, StopFlag(), Precision("float32", "cpu"))
    running.carry_out(parse_config(config_of(point, directory)), context)


class Watch:
    """CPU seconds of each training step, by the metrics that end it."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def tell(self, _step: int, values: Mapping[str, float]) -> None:
        """A metrics event."""
        if {"train/loss", "train/score"} & values.keys():
            self._times.append(time.process_time())

    def step_seconds(self) -> float | None:
        """The median over the steps after the first; None when there were no steps."""
        gaps = [after - before for before, after in zip(self._times, self._times[1:], strict=False)]
        return median(gaps) if gaps else None


def reset_peak() -> int:
    """Forget the peak so far; returns the bytes held now."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


def config_of(point: Point, directory: Path) -> dict[str, Any]:
    """The config of a run with four steps, without evaluation in between."""
    policy, steps = str(directory / "policy"), 4
    always = {"kind": point.stage, "dtype": "float32"}
    training = {
        "tokens_per_microbatch": point.microbatch,
        "gradient_checkpointing": point.gradient_checkpointing,
        "lora_rank": point.lora_rank,
        "checkpoint_every": 1000,
    }
    batches = {"policy": policy, "epochs": 1, "batch_size": point.batch, "max_tokens": 8192}
    rollouts = {"max_new_tokens": point.completion, "rows_in_flight": 16, "max_prompt_tokens": 8192}
    match point.stage:
        case "pretrain":
            length = point.prompt + point.completion
            own = {"policy": policy, "max_tokens": length, "tokens_per_step": point.batch * length}
            return always | training | own | {"eval_every": 1000}
        case "sft":
            return always | training | batches | {"eval_every": 1000}
        case "reward_model":
            return always | training | batches | {"layers": None, "freeze_embeddings": False}
        case "ppo":
            own = {
                "steps": steps,
                "episodes_per_step": point.batch,
                "minibatches": 2,
                "trainable_layers": None,
            }
            watched = {
                "eval_every": 1000,
                "eval_prompts": 1,
                "kl_cap": 1e6,
                "reward_model": str(directory / "reward"),
            }
            return always | training | rollouts | own | watched | {"policy": policy}
        case "sample":
            return always | rollouts | {"policy": policy, "completions_per_prompt": point.completions}
        case _:
            return always | {
                "reward_model": str(directory / "reward"),
                "tokens_per_microbatch": point.microbatch,
            }


# --- what it needs, written by the process that asks


def prepare(point: Point, directory: Path) -> None:
    """Write the models and the snapshot of a point."""
    directory.mkdir()
    from training.engine.modeling import new_reward_model, save_reward_model
    from training.engine.tokenization import load_tokenizer

    write_policy(point, directory / "policy")
    if point.stage in ("ppo", "score"):
        tokenizer = load_tokenizer(directory / "policy")
        save_reward_model(
            new_reward_model(directory / "policy", layers=None, seed=0), tokenizer, directory / "reward"
        )
    write_snapshot(point, directory / "snapshot")


def write_policy(point: Point, directory: Path) -> None:
    """A random Llama with a byte tokenizer; of a larger vocabulary, the rest is tokens no text has."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from training.engine.running import prepare_transformers
    from training.engine.tiny import byte_tokenizer

    prepare_transformers()
    tokenizer = byte_tokenizer()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=point.vocabulary,
        hidden_size=point.width,
        intermediate_size=3 * point.width,
        num_hidden_layers=point.layers,
        num_attention_heads=4,
        num_key_value_heads=1,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    tokenizer.save_pretrained(directory)


def write_snapshot(point: Point, directory: Path) -> None:
    """Random texts, one token a letter, for four steps."""
    from training.engine.records import (
        Completion,
        Demonstration,
        Document,
        Message,
        Prompt,
        Ranking,
        write_records,
    )

    chance = random.Random(0)
    directory.mkdir()

    def text(tokens: int) -> str:
        return "".join(chance.choices(string.ascii_lowercase, k=max(1, tokens)))

    count = 4 * point.batch if point.stage not in ("sample", "score") else point.batch
    turn = "<|start|>user\n\n<|start|>assistant\n"
    asked = [(Message("user", text(point.prompt - len(turn) + 14)),) for _ in range(count)]
    named = [(f"p{number}", messages) for number, messages in enumerate(asked)]
    write_records(directory / "prompts.parquet", [Prompt(n, m, "train", "en", "") for n, m in named])
    if point.stage == "sft":
        rows = [Demonstration(n, n, m, text(point.completion), "train", "a") for n, m in named]
        write_records(directory / "demonstrations.parquet", rows)
    if point.stage == "reward_model":
        places = tuple(range(1, point.completions + 1))
        answers = [tuple(text(point.completion) for _ in places) for _ in named]
        ranked = zip(named, answers, strict=True)
        rankings = [Ranking(n, n, m, own, places, "train", "a", "person") for (n, m), own in ranked]
        write_records(directory / "rankings.parquet", rankings)
    if point.stage == "score":
        several = [(n, m, k) for n, m in named for k in range(point.completions)]
        write_records(
            directory / "completions.parquet",
            [Completion(f"{n}-{k}", n, m, text(point.completion)) for n, m, k in several],
        )
    if point.stage == "pretrain":
        length = point.prompt + point.completion
        write_records(directory / "corpus.parquet", [Document(text(length)) for _ in range(count)])


if __name__ == "__main__":
    main()
