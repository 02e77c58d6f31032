"""Sampling: K completions of every prompt of the snapshot, written as they finish."""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from training.engine.config import SampleConfig
from training.engine.context import RunContext
from training.engine.modeling import load_language_model
from training.engine.records import Prompt
from training.engine.sampling import SampledCompletion, SamplingRequest, SamplingSettings, sample_completions
from training.engine.tokenization import decode_completion, encode_prompt, load_tokenizer

SECONDS_BETWEEN_PROGRESS = 2.0


def run(config: SampleConfig, context: RunContext) -> None:
    # 1. What is wanted, and what an earlier attempt has already written.
    prompts = context.required_records(Prompt)
    output = context.directory / "completions.jsonl"
    rows = finished_completions(output)
    tokenizer = load_tokenizer(Path(config.policy))
    requests, left_out = _requests(prompts, rows, tokenizer, config)
    if left_out:
        context.events.message(
            f"{left_out} prompts are longer than max_prompt_tokens ({config.max_prompt_tokens}) "
            "and are left out",
            level="warning",
        )
    total = (len(prompts) - left_out) * config.completions_per_prompt
    context.events.progress(len(rows), total, "completions")

    # 2. Decode; each completion is on the disk as soon as it is finished.
    policy = load_language_model(Path(config.policy), dtype=context.precision.torch_dtype).to(
        context.precision.device
    )
    settings = SamplingSettings(
        stream=str(config.seed),
        max_new_tokens=config.max_new_tokens,
        temperature=config.temperature,
        rows_in_flight=config.rows_in_flight,
        eos_id=tokenizer.eos_token_id,
        pad_id=tokenizer.pad_token_id,
    )
    started = reported = time.monotonic()
    new_tokens = 0
    file = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        for completion in sample_completions(policy, requests, settings, context.stop.check):
            row = _row(completion, decode_completion(tokenizer, completion.token_ids), config.seed)
            os.write(file, (json.dumps(row) + "\n").encode())
            rows.append(row)
            new_tokens += row["token_count"]
            if time.monotonic() - reported > SECONDS_BETWEEN_PROGRESS:
                reported = time.monotonic()
                context.events.progress(len(rows), total, "completions")
                context.events.metrics(len(rows), {"tokens_per_second": new_tokens / (reported - started)})
    finally:
        os.fsync(file)
        os.close(file)

    # 3. The figures of the whole run, earlier attempts included.
    context.events.progress(len(rows), total, "completions")
    seconds = time.monotonic() - started
    metrics = _figures(rows) | {
        "left_out": left_out,
        "tokens_per_second": new_tokens / seconds,
        "seconds": seconds,
    }
    context.events.metrics(len(rows), metrics)
    context.finish("sample", metrics=metrics, model=None, step=len(rows))


def finished_completions(path: Path) -> list[dict[str, Any]]:
    """The rows of a completions.jsonl; a last line torn by a kill is cut off the file."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    return [json.loads(line) for line in whole.splitlines()]


def _requests(
    prompts: list[Prompt], rows: list[dict[str, Any]], tokenizer: Any, config: SampleConfig
) -> tuple[list[SamplingRequest], int]:
    """What is still to be made, in the order of the prompts; and the number of prompts that are too long."""
    finished: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        finished[row["prompt_id"]].add(row["index"])
    requests = []
    left_out = 0
    for prompt in prompts:
        prompt_ids = encode_prompt(tokenizer, prompt.messages)
        if len(prompt_ids) > config.max_prompt_tokens:
            left_out += 1
            continue
        missing = set(range(config.completions_per_prompt)) - finished[prompt.prompt_id]
        requests.append(SamplingRequest(prompt.prompt_id, prompt_ids, tuple(sorted(missing))))
    return requests, left_out


def _row(completion: SampledCompletion, text: str, seed: int) -> dict[str, Any]:
    return {
        "prompt_id": completion.key,
        "index": completion.index,
        "text": text,
        "finish_reason": completion.finish_reason,
        "token_count": len(completion.token_ids),
        "logprob": sum(completion.logprobs),
        "seed": seed,
    }


def _figures(rows: list[dict[str, Any]]) -> dict[str, float]:
    count = max(1, len(rows))
    return {
        "completions": len(rows),
        "tokens": sum(row["token_count"] for row in rows),
        "length": sum(row["token_count"] for row in rows) / count,
        "eos_rate": sum(row["finish_reason"] == "stop" for row in rows) / count,
    }
