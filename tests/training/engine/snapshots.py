"""Small snapshots for runs of the tiny model."""

import random
from pathlib import Path

from training.engine.records import Demonstration, Message, Prompt, Ranking, write_records


def messages(number: int) -> tuple[Message, ...]:
    return (Message("user", f"Say {number}"),)


def prompts(train: int = 8, valid: int = 4) -> list[Prompt]:
    return [
        Prompt(f"p{i}", messages(i), "train" if i < train else "valid", "en", "brainstorming")
        for i in range(train + valid)
    ]


def demonstrations() -> list[Demonstration]:
    return [
        Demonstration(f"d-{p.prompt_id}", p.prompt_id, p.messages, f"hello {p.prompt_id}", p.split, "ann")
        for p in prompts()
    ]


def ranking_by(score, prompt: Prompt, completions: list[str]) -> Ranking:
    """The ranking of a person who prefers what scores high; equal scores are ties."""
    best_first = sorted({score(text) for text in completions}, reverse=True)
    places = tuple(best_first.index(score(text)) + 1 for text in completions)
    return Ranking(
        f"r-{prompt.prompt_id}",
        prompt.prompt_id,
        prompt.messages,
        tuple(completions),
        places,
        prompt.split,
        "ann",
        "person",
    )


def rankings(score=lambda text: text.count("a"), of=None, seed: int = 0) -> list[Ranking]:
    chance = random.Random(seed)
    return [
        ranking_by(
            score,
            p,
            ["".join(chance.choices("abcd", k=chance.randint(3, 9))) for _ in range(chance.choice([3, 4]))],
        )
        for p in of or prompts()
    ]


def write(directory: Path) -> None:
    directory.mkdir(parents=True)
    write_records(directory / "prompts.parquet", prompts())
    write_records(directory / "demonstrations.parquet", demonstrations())
    write_records(directory / "rankings.parquet", rankings())
