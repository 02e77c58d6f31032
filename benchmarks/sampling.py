"""Sampling: new tokens a second beside transformers' generate(num_return_sequences=8).

python -m benchmarks.sampling [--setup | --quick]
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.environments import (
    SMOLLM2,
    Pairing,
    Side,
    alternate,
    arguments,
    own_python,
    require_set_up,
    set_up,
    spread,
)
from benchmarks.sampling_prompts import COMPLETIONS, NEW_TOKENS, PROMPT_TOKENS

MODULE = "benchmarks.sampling"
PROMPTS, QUICK_PROMPTS = 4, 2
TRIED = (2, 4)  # prompts that generate gets at once; the fastest is measured
TARGET = 3


def main() -> None:
    options = arguments(MODULE, __doc__ or "")
    if options.setup:
        set_up()
        return
    require_set_up(MODULE)
    from training.engine.precision import fast_dtype

    rounds, prompts = (2, QUICK_PROMPTS) if options.quick else (5, PROMPTS)
    dtype = fast_dtype("cpu")
    print(
        f"SmolLM2-135M, {dtype}, {options.threads} threads a side, {rounds} rounds: {COMPLETIONS} "
        f"completions of each of {prompts} prompts of {PROMPT_TOKENS} tokens, at most "
        f"{NEW_TOKENS} new ones, temperature 1",
        flush=True,
    )
    settings = {
        "model": str(SMOLLM2),
        "dtype": dtype,
        "threads": options.threads,
        "prompts": prompts,
        "rows_in_flight": 64,
    }
    python, threads = own_python(), options.threads
    with (
        Side("benchmarks.ours.sampling", settings, python=python, threads=threads) as ours,
        Side("benchmarks.peers.generate", settings, python=python, threads=threads) as theirs,
    ):
        ours.ask()
        tried = {at_once: theirs.ask(prompts_at_once=at_once) for at_once in TRIED if at_once <= prompts}
        at_once = max(tried, key=lambda number: _rate(tried[number]))
        pairing = alternate(ours, theirs, rounds=rounds, prompts_at_once=at_once)
    figures = {
        "dtype": dtype,
        "threads": threads,
        "rounds": rounds,
        "prompts": prompts,
        "prompts_at_once": at_once,
        **figures_of(pairing),
    }
    report(figures)
    print(json.dumps(figures))


def _rate(answer: dict[str, Any]) -> float:
    return float(answer["tokens"] / answer["seconds"])


def figures_of(pairing: Pairing) -> dict[str, Any]:
    """Speed as new tokens a second, each completion counted up to its EOS; ours first, then generate's."""
    sides = (pairing.ours, pairing.theirs)
    ratio = pairing.ratio(_rate)
    return {
        "ratio": ratio["median"],
        "ratio_spread": ratio,
        "ratio_cpu_seconds": pairing.ratio(lambda answer: answer["tokens"] / answer["cpu_seconds"]),
        "tokens_per_second": [spread([_rate(answer) for answer in side]) for side in sides],
        "tokens_per_completion": [
            sum(a["tokens"] for a in side) / sum(a["completions"] for a in side) for side in sides
        ],
        "ended_share": [
            sum(a["ended"] for a in side) / sum(a["completions"] for a in side) for side in sides
        ],
        "peak_bytes": [side[-1]["peak_bytes"] for side in sides],
    }


def report(figures: dict[str, Any]) -> None:
    ratio = figures["ratio_spread"]
    ours, theirs = (rate["median"] for rate in figures["tokens_per_second"])
    lengths = figures["tokens_per_completion"]
    memory = [f"{bytes_ / 1e9:.1f} GB" for bytes_ in figures["peak_bytes"]]
    print(
        f"ours {ours:.0f} tokens/s, generate {theirs:.0f} ({figures['prompts_at_once']} prompts at once), "
        f"ratio {ratio['median']:.1f} [{ratio['min']:.1f}, {ratio['max']:.1f}], wanted {TARGET}; mean length "
        f"{lengths[0]:.1f} and {lengths[1]:.1f} tokens; peak memory {memory[0]} and {memory[1]}",
        flush=True,
    )


if __name__ == "__main__":
    main()
