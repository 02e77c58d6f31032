"""Scoring: what a reward model, or the mean of several, says of any completions.

Reads snapshot/completions.parquet: rows of `Completion` in records.py, with different completion_ids.
Writes, one JSON object a line,
  scores.jsonl  {"completion_id", "score", "spread"}, in the order of the snapshot, while it works. spread:
                standard deviation over the reward models, null when there is one. A completion that is too
                long with its prompt has no line.
  best.jsonl    {"prompt_id", "completion_id", "score"}, at the end: the best completion of each prompt.
result.json has the metrics completions, too_long, score_mean, score_deviation, with several reward models
spread_mean, and for n = 1, 2, 4, …, where prompts have so many scored completions: best_of_{n}_score (the
mean over those prompts), best_of_{n}_prompts (their number), best_of_{n}_kl_bound (upper bound, nats).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.engine.algorithms.best_of_n import best_of_n_kl_bound, best_of_n_score, mean_and_spread
from training.engine.config_score import ScoreConfig
from training.engine.context import RunContext
from training.engine.errors import DataError
from training.engine.files import write_json_lines
from training.engine.journal import Journal
from training.engine.judges import load_judge
from training.engine.records import Completion

COMPLETIONS_AT_ONCE = 256  # scored and written together, so that rows of like length share micro-batches
Row = dict[str, Any]


def run(config: ScoreConfig, context: RunContext) -> None:
    # 1. What is to be scored, by whom, and what an earlier attempt has already written.
    completions = context.required_records(Completion)
    _check_ids(completions)
    judges = [load_judge(Path(directory), context) for directory in config.reward_models]
    total, too_long = len(completions), 0
    with Journal(context.directory / "scores.jsonl") as journal:
        written = {row["completion_id"] for row in journal.rows}
        context.events.progress(len(written), total, "completions")

        # 2. Score. The portions are the same in every attempt, and so is each score, bit for bit.
        for start in range(0, total, COMPLETIONS_AT_ONCE):
            portion = completions[start : start + COMPLETIONS_AT_ONCE]
            readings = [judge.read(portion) for judge in judges]
            lengths = [max(map(len, sequences)) for sequences in zip(*readings, strict=True)]
            fitting = [number for number, length in enumerate(lengths) if length <= config.max_tokens]
            too_long += len(portion) - len(fitting)
            missing = [number for number in fitting if portion[number].completion_id not in written]
            if missing:
                scores = torch.zeros(len(judges), len(portion))
                for member, (judge, sequences) in enumerate(zip(judges, readings, strict=True)):
                    scores[member, fitting] = judge.score(
                        [sequences[number] for number in fitting],
                        context,
                        tokens_per_microbatch=config.tokens_per_microbatch,
                    )
                journal.append(_rows(portion, missing, *mean_and_spread(scores)))
            context.events.progress(start + len(portion), total, "completions")

    # 3. The best of each prompt, and the figures of the whole run, earlier attempts included.
    if too_long:
        context.events.message(
            f"{too_long} completions are longer than max_tokens ({config.max_tokens}) with their prompts "
            "and have no score",
            level="warning",
        )
    prompts = _by_prompt(completions, journal.rows)
    write_json_lines(context.directory / "best.jsonl", [_best(rows) for rows in prompts.values()])
    metrics = {"too_long": too_long, **_figures(journal.rows), **_best_of_n_figures(prompts)}
    context.events.metrics(total, metrics)
    context.finish("score", metrics=metrics, model=None, step=total)


def _check_ids(completions: Sequence[Completion]) -> None:
    """DataError when two completions have the same id: their scores could not be told apart."""
    ((most_frequent, times),) = Counter(c.completion_id for c in completions).most_common(1)
    if times > 1:
        raise DataError(f"completions.parquet has the completion_id {most_frequent!r} {times} times")


def _rows(portion: Sequence[Completion], numbers: Sequence[int], means: Tensor, spreads: Tensor) -> list[Row]:
    """The lines of scores.jsonl for the numbered completions of a portion."""
    return [
        {
            "completion_id": portion[number].completion_id,
            "score": float(means[number]),
            "spread": None if spreads[number].isnan() else float(spreads[number]),
        }
        for number in numbers
    ]


def _by_prompt(completions: Sequence[Completion], rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The scored completions of each prompt, as lines of best.jsonl, in the order of the snapshot."""
    scores = {row["completion_id"]: row["score"] for row in rows}
    prompts: dict[str, list[Row]] = defaultdict(list)
    for c in completions:
        if c.completion_id in scores:
            score = scores[c.completion_id]
            prompts[c.prompt_id].append(
                {"prompt_id": c.prompt_id, "completion_id": c.completion_id, "score": score}
            )
    return prompts


def _best(rows: Sequence[Row]) -> Row:
    return max(rows, key=lambda row: row["score"])  # the first of equals


def _figures(rows: Sequence[Row]) -> dict[str, float]:
    scores = torch.tensor([row["score"] for row in rows], dtype=torch.float64)
    figures: dict[str, float] = {"completions": len(rows)}
    if len(rows):
        figures |= {"score_mean": scores.mean().item(), "score_deviation": scores.std(correction=0).item()}
    spreads = [row["spread"] for row in rows if row["spread"] is not None]
    return figures | ({"spread_mean": math.fsum(spreads) / len(spreads)} if spreads else {})


def _best_of_n_figures(prompts: Mapping[str, Sequence[Row]]) -> dict[str, float]:
    """For n = 1, 2, 4, … over the prompts with at least n scored completions; none when all have one."""
    scores = [torch.tensor([row["score"] for row in rows], dtype=torch.float64) for rows in prompts.values()]
    most = max((len(own) for own in scores), default=0)
    figures: dict[str, float] = {}
    for n in (2**power for power in range(most.bit_length()) if most > 1):
        found = [best_of_n_score(own, n) for own in scores if len(own) >= n]
        figures[f"best_of_{n}_score"] = math.fsum(found) / len(found)
        figures[f"best_of_{n}_prompts"] = len(found)
        figures[f"best_of_{n}_kl_bound"] = best_of_n_kl_bound(n)
    return figures
