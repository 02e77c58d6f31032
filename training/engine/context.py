"""What every recipe is given besides its config: its directory, its event log, its stop flag, its
precision, and the processes it shares the work with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from training.engine.algorithms import batching
from training.engine.checkpoints import Checkpoint, newest_checkpoint, save_checkpoint
from training.engine.distributed import ALONE, Microbatch, Processes
from training.engine.errors import DataError, StopRequested
from training.engine.events import EventLog
from training.engine.files import write_json
from training.engine.precision import Precision
from training.engine.records import (
    Completion,
    Demonstration,
    Document,
    Prompt,
    Ranking,
    Record,
    read_records,
)
from training.engine.stopping import StopFlag

Item = TypeVar("Item")
Result = TypeVar("Result")

_SNAPSHOT_FILES: dict[type, str] = {
    Prompt: "prompts.parquet",
    Demonstration: "demonstrations.parquet",
    Ranking: "rankings.parquet",
    Completion: "completions.parquet",
    Document: "corpus.parquet",
}


@dataclass(frozen=True)
class RunContext:
    """One attempt at one run."""

    directory: Path
    events: EventLog
    stop: StopFlag
    precision: Precision
    processes: Processes = ALONE

    def check_stop(self) -> None:
        """Raise StopRequested on every process once one has been asked to stop. All must call it."""
        self.stop.is_raised = self.processes.any(self.stop.is_raised)
        self.stop.check()

    def microbatches(self, lengths: Sequence[int], *, tokens_per_microbatch: int) -> Iterator[Microbatch]:
        """This process's micro-batches of a global batch whose rows have these lengths, in tokens.

        All processes must give the same lengths, and all get equally many. Before each of them all look
        whether they are to stop.
        """
        return self._dealt(batching.microbatches(lengths, tokens_per_microbatch=tokens_per_microbatch))

    def packed_microbatches(
        self, sizes: Sequence[int], *, tokens_per_microbatch: int
    ) -> Iterator[Microbatch]:
        """As `microbatches`, for rows that are laid end to end without padding."""
        return self._dealt(batching.packed_microbatches(sizes, tokens_per_microbatch=tokens_per_microbatch))

    def _dealt(self, plan: Sequence[list[int]]) -> Iterator[Microbatch]:
        for microbatch in self.processes.deal(plan):
            self.check_stop()
            yield microbatch

    def divide(
        self, items: Sequence[Item], work: Callable[[Sequence[Item]], Iterable[Result]]
    ) -> list[Result]:
        """The results of all processes, each of which works on its share of the items.

        For work whose length nobody knows before, such as sampling: `work` looks at `context.stop` itself.
        """
        results: list[Result] = []
        try:
            results.extend(work(items[self.processes.rank :: self.processes.world_size]))
        except StopRequested:
            self.stop.is_raised = True
        self.check_stop()
        return self.processes.gather(results)

    def records(self, record_type: type[Record]) -> Iterator[Record]:
        """The snapshot's records of a type; none when the snapshot has no such file."""
        path = self.directory / "snapshot" / _SNAPSHOT_FILES[record_type]
        return read_records(path, record_type) if path.exists() else iter(())

    def required_records(self, record_type: type[Record], *, split: str | None = None) -> list[Record]:
        """The snapshot's records of a type, of one split if named; DataError when there are none."""
        records = [r for r in self.records(record_type) if split in (None, getattr(r, "split", None))]
        if not records:
            what = f"{record_type.__name__.lower()}s" + (f" of split {split}" if split else "")
            raise DataError(
                f"the snapshot has no {what}: collect some, make a new snapshot and start the run again "
                f"(looked in snapshot/{_SNAPSHOT_FILES[record_type]})"
            )
        return records

    def resume(self) -> Checkpoint | None:
        """The newest valid checkpoint of the run, announced; None for a fresh start."""
        checkpoint = newest_checkpoint(self.directory / "checkpoints", self.events, self.processes)
        if checkpoint:
            self.events.message(f"resumed from {checkpoint.path.name}")
        return checkpoint

    def checkpoint(self, step: int, state: dict[str, Any], *, keep: int) -> None:
        """Write a checkpoint of the state after `step` steps. All processes must call it."""
        save_checkpoint(
            self.directory / "checkpoints",
            step=step,
            attempt=self.events.attempt,
            state=state,
            keep=keep,
            processes=self.processes,
        )

    def finish(
        self,
        kind: str,
        *,
        metrics: dict[str, Any],
        model: str | None,
        step: int,
        stopped: str | None = None,
    ) -> None:
        """Write result.json, the last thing a run does. stopped: why it ended before its last step."""
        result = {"kind": kind, "metrics": metrics, "model": model, "step": step}
        if stopped:
            result["stopped"] = stopped
        if self.processes.is_first:
            write_json(self.directory / "result.json", result)
