"""Sampling: K completions of every prompt of the snapshot, by the engine or by a server, written as they
finish.

Reads snapshot/prompts.parquet. Writes completions.jsonl, one JSON object a line: {"prompt_id", "index" (0 to
K-1), "text", "finish_reason" (stop: ended by itself; length: was cut), "token_count" (with the EOS),
"logprob" (nats, of all tokens; null where a server does not tell), "seed"}.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.engine.completions import Row, Wanted, generated_rows, sampled_rows
from training.engine.config import SampleConfig
from training.engine.context import RunContext
from training.engine.journal import Journal
from training.engine.records import Prompt
from training.engine.tokenization import encode_prompt, load_tokenizer

SECONDS_BETWEEN_PROGRESS = 2.0


def run(config: SampleConfig, context: RunContext) -> None:
    # 1. What is wanted, and what an earlier attempt has already written.
    prompts = context.required_records(Prompt)
    tokenizer = load_tokenizer(Path(config.policy))
    with Journal(context.directory / "completions.jsonl") as journal:
        wanted, left_out = _wanted(prompts, journal.rows, tokenizer, config)
        if left_out:
            context.events.message(
                f"{left_out} prompts are longer than max_prompt_tokens ({config.max_prompt_tokens}) "
                "and are left out",
                level="warning",
            )
        total = (len(prompts) - left_out) * config.completions_per_prompt
        context.events.progress(len(journal.rows), total, "completions")

        # 2. Make them; each is on the disk as soon as it is finished.
        make = sampled_rows if config.generator_url is None else generated_rows
        started = reported = time.monotonic()
        new_tokens = 0
        for rows in make(wanted, tokenizer, config, context):
            journal.append(rows)
            new_tokens += sum(row["token_count"] for row in rows)
            if time.monotonic() - reported > SECONDS_BETWEEN_PROGRESS:
                reported = time.monotonic()
                context.events.progress(len(journal.rows), total, "completions")
                rate = new_tokens / (reported - started)
                context.events.metrics(len(journal.rows), {"tokens_per_second": rate})

    # 3. The figures of the whole run, earlier attempts included.
    context.events.progress(len(journal.rows), total, "completions")
    seconds = time.monotonic() - started
    metrics = _figures(journal.rows) | {
        "left_out": left_out,
        "tokens_per_second": new_tokens / seconds,
        "seconds": seconds,
    }
    context.events.metrics(len(journal.rows), metrics)
    context.finish("sample", metrics=metrics, model=None, step=len(journal.rows))


def _wanted(
    prompts: Sequence[Prompt], rows: Sequence[Row], tokenizer: Any, config: SampleConfig
) -> tuple[list[Wanted], int]:
    """What is still to be made, in the order of the prompts; and the number of prompts that are too long."""
    finished: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        finished[row["prompt_id"]].add(row["index"])
    wanted = []
    for prompt in prompts:
        prompt_ids = encode_prompt(tokenizer, prompt.messages)
        if len(prompt_ids) <= config.max_prompt_tokens:
            missing = set(range(config.completions_per_prompt)) - finished[prompt.prompt_id]
            wanted.append(Wanted(prompt, prompt_ids, tuple(sorted(missing))))
    return wanted, len(prompts) - len(wanted)


def _figures(rows: Sequence[Row]) -> dict[str, float]:
    count = max(1, len(rows))
    return {
        "completions": len(rows),
        "tokens": sum(row["token_count"] for row in rows),
        "length": sum(row["token_count"] for row in rows) / count,
        "eos_rate": sum(row["finish_reason"] == "stop" for row in rows) / count,
    }
