"""One point of benchmarks.scaling: a run of a stage's recipe, in a process of its own.

    python -m benchmarks.scaling_point POINT DIRECTORY

`prepare` writes what it needs beforehand, so that neither its time nor its memory counts.
"""

from __future__ import annotations

import ctypes
import json
import random
import string
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.answering import peak_bytes

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
        gaps = [after - before for before, after in pairwise(self._times)]
        return median(gaps) if gaps else None


def reset_peak() -> int:
    """Give free memory back to the system and forget the peak so far; returns the bytes held now."""
    ctypes.CDLL(None).malloc_trim(0)  # or a small run would live on what the warm-up has left
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
    print(json.dumps(measured(Point(**json.loads(sys.argv[1])), Path(sys.argv[2]))))
