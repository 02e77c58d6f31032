"""The processes that work on one run together: who does which micro-batch, and how results come together.

Every process plans the same global batch and takes its share of the micro-batches. With one process all of
this is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

Item = TypeVar("Item")


@dataclass(frozen=True)
class Microbatch:
    """Row numbers of one forward pass. counts is False on a filler, whose results are thrown away and whose
    loss is multiplied by 0: it is computed only because every process must make equally many passes."""

    rows: list[int]
    counts: bool = True


@dataclass(frozen=True)
class Processes:
    """This process among those of the run. Every method but `is_first` must be called by all of them."""

    rank: int = 0
    world_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes events, models and results."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes, bit for bit the same on each."""
        if self.world_size > 1:
            values = values.clone()
            torch.distributed.all_reduce(values)
        return values

    def gather(self, items: Sequence[Item]) -> list[Item]:
        """The items of all processes, those of the first one first."""
        if self.world_size == 1:
            return list(items)
        shares: list[Any] = [None] * self.world_size
        torch.distributed.all_gather_object(shares, list(items))
        return [item for share in shares for item in share]

    def any(self, fact: bool) -> bool:
        """Whether it holds on at least one process."""
        return bool(self.sum(torch.tensor(int(fact))))

    def deal(self, microbatches: Sequence[list[int]]) -> list[Microbatch]:
        """This process's share of a plan that is the same on all, dealt round by round.

        The last round is filled up with the shortest row of the plan.
        """
        own = [Microbatch(rows) for rows in microbatches[self.rank :: self.world_size]]
        rounds = -(-len(microbatches) // self.world_size)
        return own + [Microbatch(microbatches[-1][-1:], counts=False)] * (rounds - len(own))


ALONE = Processes()
