"""PPO steps and their memory beside TRL 1.12's PPOTrainer, and what both learn from the same reward.

python -m benchmarks.ppo [--setup | --quick]
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.environments import (
    DIRECTORY,
    SMOLLM2,
    TRL_PPO,
    Pairing,
    Side,
    alternate,
    arguments,
    own_python,
    require_set_up,
    set_up,
    spread,
)
from benchmarks.ppo_work import (
    PpoWork,
    make_known_reward,
    make_scorer,
    make_tiny_llama,
    write_prompts,
    write_short_prompts,
)

MODULE = "benchmarks.ppo"
WORK = DIRECTORY / "ppo"


def main() -> None:
    options = arguments(MODULE, __doc__ or "")
    if options.setup:
        set_up(TRL_PPO)
        return
    require_set_up(MODULE, TRL_PPO)
    from training.engine.precision import fast_dtype

    make_models_and_prompts()
    rounds = 2 if options.quick else 5
    threads = options.threads
    dtype = fast_dtype("cpu")
    print(f"{dtype}, {threads} threads a side, {rounds} rounds; TRL 1.12.0", flush=True)
    figures: dict[str, Any] = {"dtype": dtype, "threads": threads, "rounds": rounds}

    tiny = replace(tiny_work(), dtype=dtype)
    pairing = steps(tiny, tiny, rounds=rounds, threads=threads)
    figures |= speed_figures("same_schedule", pairing) | memory_figures(pairing)
    report("tiny Llama (4 layers, 49k tokens), 16 episodes, 4 epochs", "same_schedule", figures)
    print(
        f"  peak memory, less that after the imports: {figures['memory_share']:.2f} of TRL's, wanted 0.40",
        flush=True,
    )

    repeated = replace(smollm2_work(), dtype=dtype)
    paper = replace(repeated, inner_epochs=1, minibatches=4)
    figures |= speed_figures("smollm2", steps(paper, repeated, rounds=rounds, threads=threads))
    report("SmolLM2-135M, 4 episodes, 4 updates: ours 1 epoch x 4, TRL 4 epochs x 1", "smollm2", figures)
    figures["ratio_smollm2_same_schedule"] = None
    if not options.quick:
        name = "smollm2_same_schedule"
        figures |= speed_figures(name, steps(repeated, repeated, rounds=rounds, threads=threads))
        report("SmolLM2-135M, 4 episodes, both 4 epochs x 1", name, figures)

    figures |= learning_figures(threads=threads)
    print(
        f"a known reward after 20 steps (before {figures['reward_before']:.2f}, best "
        f"{figures['reward_best']:.2f}): ours {figures['reward_ours']:.2f}, TRL {figures['reward_trl']:.2f}",
        flush=True,
    )
    print(json.dumps(figures))


def make_models_and_prompts() -> None:
    """What both sides read, made once."""
    if (WORK / "complete").exists():
        return
    WORK.mkdir(parents=True, exist_ok=True)
    make_tiny_llama(WORK / "tiny", SMOLLM2)
    make_scorer(WORK / "tiny-scorer", WORK / "tiny")
    make_scorer(WORK / "smollm2-scorer", SMOLLM2)
    write_prompts(WORK / "prompts.json", SMOLLM2, count=256, tokens=64)
    make_known_reward(WORK / "letters-scorer", WORK / "letters")
    write_short_prompts(WORK / "short-prompts.json", WORK / "letters", train=256, valid=64)
    (WORK / "complete").touch()


def tiny_work() -> PpoWork:
    """The first row of the table: prompt 64, completion 48 (a random model does not end), 4 epochs x 1."""
    return PpoWork(
        policy=str(WORK / "tiny"),
        reward_model=str(WORK / "tiny-scorer"),
        prompts=str(WORK / "prompts.json"),
        output=str(WORK / "run"),
        episodes=16,
        completion_tokens=48,
        inner_epochs=4,
    )


def smollm2_work() -> PpoWork:
    """A real model, with few episodes so that a step takes seconds.

    TRL repeats a batch over 4 epochs by default. The paper makes as many updates out of minibatches, in one
    epoch (Ouyang 2022, C.4), which is this engine's way: a quarter of the passes for the same updates.
    """
    return PpoWork(
        policy=str(SMOLLM2),
        reward_model=str(WORK / "smollm2-scorer"),
        prompts=str(WORK / "prompts.json"),
        output=str(WORK / "run"),
        episodes=4,
        completion_tokens=48,
        inner_epochs=4,
    )


def learning_work(side: str) -> PpoWork:
    """A tiny policy of bytes that is paid for letters; the same steps, minibatches and step sizes."""
    return PpoWork(
        policy=str(WORK / "letters"),
        reward_model=str(WORK / "letters-scorer"),
        prompts=str(WORK / "short-prompts.json"),
        output=str(WORK / f"learned-{side}"),
        episodes=64,
        completion_tokens=12,
        inner_epochs=2,
        minibatches=8,
        learning_rate=1e-2,
        kl_coef=0.001,
        missing_eos_penalty=0.0,
        steps=20,
        tokens_per_microbatch=4096,
        eval_prompts=64,
    )


def steps(work: PpoWork, their_work: PpoWork, *, rounds: int, threads: int) -> Pairing:
    """Rounds of one PPO step on each side, after one that is not counted."""
    python = TRL_PPO.python
    with (
        Side("benchmarks.ours.ppo", asdict(work), python=own_python(), threads=threads) as ours,
        Side("benchmarks.peers.trl_ppo", asdict(their_work), python=python, threads=threads) as theirs,
    ):
        alternate(ours, theirs, rounds=1)
        return alternate(ours, theirs, rounds=rounds)


def speed_figures(name: str, pairing: Pairing) -> dict[str, Any]:
    """How many of our steps fit into one of theirs, by the clock and by CPU time."""
    ratio = pairing.ratio(lambda answer: 1 / answer["seconds"])
    return {
        f"ratio_{name}": ratio["median"],
        f"ratio_{name}_spread": ratio,
        f"ratio_{name}_cpu_seconds": pairing.ratio(lambda answer: 1 / answer["cpu_seconds"]),
        f"seconds_{name}": [
            spread([answer["seconds"] for answer in side]) for side in (pairing.ours, pairing.theirs)
        ],
    }


def memory_figures(pairing: Pairing) -> dict[str, Any]:
    """memory_share: our peak of resident memory over theirs, each less what there was after the imports."""
    ours, theirs = pairing.ours[-1], pairing.theirs[-1]
    return {
        "memory_share": (ours["peak_bytes"] - ours["bytes_after_imports"])
        / (theirs["peak_bytes"] - theirs["bytes_after_imports"]),
        "memory_share_with_imports": ours["peak_bytes"] / theirs["peak_bytes"],
        "peak_bytes": [ours["peak_bytes"], theirs["peak_bytes"]],
    }


def learning_figures(*, threads: int) -> dict[str, Any]:
    """The mean score of what each side's policy writes for prompts that neither learned on."""
    for side, module, python in (
        ("ours", "benchmarks.ours.ppo", own_python()),
        ("trl", "benchmarks.peers.trl_ppo", TRL_PPO.python),
    ):
        with Side(module, asdict(learning_work(side)), python=python, threads=threads) as process:
            process.ask()
    from benchmarks.ours.ppo_judge import best_score, mean_score

    work = learning_work("ours")
    return {
        "reward_best": best_score(work),
        "reward_before": mean_score(work, Path(work.policy)),
        "reward_ours": mean_score(work, WORK / "learned-ours" / "model"),
        "reward_trl": mean_score(work, WORK / "learned-trl"),
    }


def report(what: str, name: str, figures: dict[str, Any]) -> None:
    ratio, (ours, theirs) = figures[f"ratio_{name}_spread"], figures[f"seconds_{name}"]
    print(
        f"PPO step, {what}: ours {ours['median']:.1f} s, TRL {theirs['median']:.1f} s, "
        f"ratio {ratio['median']:.1f} [{ratio['min']:.1f}, {ratio['max']:.1f}], wanted 3",
        flush=True,
    )


if __name__ == "__main__":
    main()
