"""The processes that work on one run together: who does which micro-batch, and how results come together.

Every process plans the same global batch and takes its share of the micro-batches. With one process all of
this is nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor

from training.engine.agent import rank_in_environment
from training.engine.errors import ConfigError

# The others wait while the first tokenizes a corpus or writes a model. That one has died they learn at once.
PATIENCE = timedelta(hours=12)

Item = TypeVar("Item")


@dataclass(frozen=True)
class Microbatch:
    """Row numbers of one forward pass. counts is False on a filler, whose results are thrown away and whose
    loss is multiplied by 0: it is computed only because every process must make equally many passes."""

    rows: list[int]
    counts: bool = True


@dataclass(frozen=True)
class Processes:
    """This process among those of the run. Every method but `is_first` must be called by all of them.

    device: cpu or cuda, where the models are. is_sharded: whether each process keeps only its part of the
    models that are trained.
    """

    rank: int = 0
    world_size: int = 1
    device: str = "cpu"
    is_sharded: bool = False

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

    def first(self, item: Item) -> Item:
        """The first process's item, on all of them."""
        return self.gather([item])[0]

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


@contextmanager
def joined_processes(strategy: str | None) -> Iterator[Processes]:
    """The processes of this run, once all have met; ALONE where no elastic agent has started this one.

    strategy: "ddp" or "fully_shard"; None for a kind of run that works alone. ConfigError when it does not.
    """
    if rank_in_environment() is None:
        yield ALONE
        return
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        local_rank, count = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if local_rank >= count:
            raise ConfigError(f"processes: {local_rank + 1} is not allowed here; {count} GPUs are visible")
        torch.cuda.set_device(local_rank)
    # gloo also where there are GPUs: what processes agree on lies in CPU tensors and need not wait for them.
    backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
    torch.distributed.init_process_group(backend, timeout=PATIENCE)
    rank, world_size = torch.distributed.get_rank(), torch.distributed.get_world_size()
    if strategy is None and world_size > 1:
        raise ConfigError("kind: a run of this kind works in one process; start it without torchrun")
    processes = Processes(rank, world_size, device, strategy == "fully_shard" and world_size > 1)
    yield processes
    processes.any(False)  # nobody leaves before all have done their work
