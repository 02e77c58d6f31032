"""Reward-model training: comparisons a second beside TRL's RewardTrainer on the expanded pairs.

python -m benchmarks.reward_model [--setup | --quick]
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

from benchmarks.environments import (
    DIRECTORY,
    SMOLLM2,
    TRL_REWARD,
    Pairing,
    Side,
    alternate,
    arguments,
    own_python,
    require_set_up,
    set_up,
    spread,
)
from benchmarks.ranking_data import LONGEST, SHORTEST, Shape, rankings_of_update

MODULE = "benchmarks.reward_model"
START = DIRECTORY / "reward_start"
SHAPES = {
    "k9": Shape(completions=9, prompt_tokens=64, rankings=3),
    "k4": Shape(completions=4, prompt_tokens=64, rankings=8),
    "k9_long": Shape(completions=9, prompt_tokens=256, rankings=2),
    "k4_long": Shape(completions=4, prompt_tokens=256, rankings=4),
}
QUICK_SHAPES = {
    "k4": Shape(completions=4, prompt_tokens=64, rankings=2),
    "k9": Shape(completions=9, prompt_tokens=64, rankings=1),
    "k4_long": Shape(completions=4, prompt_tokens=256, rankings=2),
    "k9_long": Shape(completions=9, prompt_tokens=256, rankings=1),
}
QUICK_SECONDS = 280
TARGETS = {"k9": 12, "k4": 4, "k9_long": 20, "k4_long": 6}


def main() -> None:
    started = time.monotonic()
    options = arguments(MODULE, __doc__ or "")
    if options.setup:
        set_up(TRL_REWARD)
        return
    require_set_up(MODULE, TRL_REWARD)
    from training.engine.precision import fast_dtype

    make_start()
    rounds = 2 if options.quick else 5
    dtype = fast_dtype("cpu")
    print(f"SmolLM2-135M, {dtype}, {options.threads} threads a side, {rounds} rounds; TRL 1.16.0", flush=True)
    figures: dict[str, Any] = {"dtype": dtype, "threads": options.threads, "rounds": rounds}
    rate = 0.0  # tokens a second of TRL, so far
    for name, shape in (QUICK_SHAPES if options.quick else SHAPES).items():
        spent = time.monotonic() - started
        expected = 20 + rounds * padded_tokens(shape) / rate if rate else 0
        if options.quick and spent + expected > QUICK_SECONDS:
            figures |= {f"ratio_{name}": None}
            print(f"{name}: left out, it would take {expected:.0f} s more and --quick is to end in time")
            continue
        answer = measure(name, shape, quick=options.quick, dtype=dtype, threads=options.threads)
        rate = padded_tokens(shape) * answer[f"comparisons_per_second_{name}"][1] / shape.pairs
        figures |= answer
    shares = [figures.get(f"flops_share_{name}") for name in SHAPES]
    figures["flops_share"] = max((share for share in shares if share), default=None)
    print(json.dumps(figures))


def padded_tokens(shape: Shape) -> int:
    """About the tokens that TRL computes for an update."""
    return shape.pairs * 2 * (shape.prompt_tokens + LONGEST)


def make_start() -> None:
    """The reward model that both sides start from: SmolLM2 with a random head."""
    if (START / "config.json").exists():
        return
    from training.engine.modeling import new_reward_model, save_reward_model
    from training.engine.tokenization import load_tokenizer

    save_reward_model(new_reward_model(SMOLLM2, layers=None, seed=0), load_tokenizer(SMOLLM2), START)


def measure(name: str, shape: Shape, *, quick: bool, dtype: str, threads: int) -> dict[str, Any]:
    """The figures of one shape, printed as they come.

    Both sides have computed a micro-batch before and made the optimizer's state; without --quick the first
    update is not counted either, and TRL is measured once more with transformers' eager attention, which is
    not its default but the faster one in bfloat16 on a CPU: ratio_…_eager.
    """
    rounds = 2 if quick else 5
    settings = {
        "shape": asdict(shape),
        "model": str(START),
        "dtype": dtype,
        "threads": threads,
        "learning_rate": 1e-5,
        "tokens_per_microbatch": 4096,  # ours
        "pairs_at_once": 6,  # theirs: 3 are as fast, 12 slower
        "updates": rounds + 1,
    }

    def trl(attention: str) -> Side:
        theirs = {**settings, "attention": attention}
        return Side("benchmarks.peers.trl_reward", theirs, python=TRL_REWARD.python, threads=threads)

    with Side("benchmarks.ours.reward_model", settings, python=own_python(), threads=threads) as ours:
        with trl("sdpa") as theirs:
            if not quick:
                alternate(ours, theirs, rounds=1, do="update")
            pairing = alternate(ours, theirs, rounds=rounds, do="update")
        rate = ours.ask(do="multiply", size=2048)["flops_per_cpu_second"]
        figures = figures_of(
            name, shape, pairing, first=1 - quick, rate=rate, parameters=ours.ready["parameters"]
        )
        figures[f"ratio_{name}_eager"] = None
        if not quick:
            with trl("eager") as theirs:
                eager = alternate(ours, theirs, rounds=2, do="update")
            figures[f"ratio_{name}_eager"] = eager.ratio(speed)["median"]
    report(name, shape, figures)
    return figures


def speed(answer: dict[str, Any]) -> float:
    """Updates a second."""
    return 1.0 / answer["seconds"]


def figures_of(
    name: str, shape: Shape, pairing: Pairing, *, first: int, rate: float, parameters: int
) -> dict[str, Any]:
    """Speed as comparisons a second, memory, and the share of the machine's rate of multiplication.

    first: number of the first update counted.
    """
    ratio = pairing.ratio(speed)
    cpu = pairing.ratio(lambda answer: 1 / answer["cpu_seconds"])
    tokens = sum(
        len(r.prompt_ids) + sum(map(len, r.completions))
        for number in range(first, first + len(pairing.ours))
        for r in rankings_of_update(shape, number)
    )
    # An embedding is looked up, not multiplied; forward 2, backward 4 operations a parameter and token.
    flops = 6 * (parameters - 49152 * 576) * tokens / len(pairing.ours)
    return {
        f"ratio_{name}": ratio["median"],
        f"ratio_{name}_spread": ratio,
        f"ratio_{name}_cpu_seconds": cpu,
        f"comparisons_per_second_{name}": [
            spread([shape.pairs / answer["seconds"] for answer in side])["median"]
            for side in (pairing.ours, pairing.theirs)
        ],
        f"losses_{name}": [[answer["loss"] for answer in side] for side in (pairing.ours, pairing.theirs)],
        f"peak_bytes_{name}": [side[-1]["peak_bytes"] for side in (pairing.ours, pairing.theirs)],
        f"flops_share_{name}": flops / rate / min(answer["cpu_seconds"] for answer in pairing.ours),
    }


def report(name: str, shape: Shape, figures: dict[str, Any]) -> None:
    ratio = figures[f"ratio_{name}_spread"]
    cpu = figures[f"ratio_{name}_cpu_seconds"]["median"]
    ours, theirs = figures[f"comparisons_per_second_{name}"]
    memory = [f"{bytes_ / 1e9:.1f} GB" for bytes_ in figures[f"peak_bytes_{name}"]]
    print(
        f"K = {shape.completions}, prompt {shape.prompt_tokens}, completions {SHORTEST} to {LONGEST}, "
        f"{shape.pairs} comparisons an update: ours {ours:.2f}/s, TRL {theirs:.2f}/s, "
        f"ratio {ratio['median']:.1f} [{ratio['min']:.1f}, {ratio['max']:.1f}], wanted {TARGETS[name]} "
        f"({cpu:.1f} in CPU seconds); "
        f"peak memory {memory[0]} and {memory[1]}",
        flush=True,
    )


if __name__ == "__main__":
    main()
