"""How much of everything the queue benchmark does."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Plan:
    outputs: int = 4
    people: tuple[int, ...] = (1, 8, 32, 100)
    small_sizes: tuple[int, ...] = (1000, 20_000)
    warm_up_seconds: float = 5.0  # of each program, before anything is counted
    rounds: int = 3  # of each number of people, the programs by turns
    seconds: float = 4.0  # of a round
    few_tasks: int = 1000
    many_outputs: int = 4
    many_tasks: int = 1_000_000
    one_in: int = 50  # of the tasks that are judged once, the first ones are by one person: 20,000
    claims: int = 400
    thinking_people: int = 100
    think_seconds: float = 30.0
    thinking_seconds: float = 300.0
    at_barrier: int = 16
    hand_outs: int = 10_000
    import_rows: int = 20_000
    peer_people: tuple[int, ...] = (1, 8, 32)
    peer_sizes: tuple[int, ...] = (1000, 20_000)
    peer_seconds: float = 8.0


FULL = Plan()
QUICK = replace(
    FULL,
    people=(1, 32),
    warm_up_seconds=3.0,
    rounds=2,
    seconds=1.5,
    many_outputs=2,
    claims=100,
    thinking_seconds=32.0,
    hand_outs=480,
    import_rows=5000,
    peer_people=(32,),
    peer_sizes=(1000,),
    peer_seconds=4.0,
)
