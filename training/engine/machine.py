"""What a result depends on beside its config: a resumed run is bit for bit the uninterrupted one where these
are equal."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from training.engine.events import EventLog
from training.engine.files import write_json


@dataclass(frozen=True)
class Machine:
    """threads: of torch, in each process. cpu: its type. processes: how many share the work."""

    torch: str
    threads: int
    cpu: str
    processes: int

    def __str__(self) -> str:
        instructions = torch.backends.cpu.get_cpu_capability()
        return (
            f"torch {self.torch}, CPU {self.cpu} ({instructions}), threads {self.threads}, "
            f"processes {self.processes}"
        )


def this_machine(*, processes: int) -> Machine:
    """Where this process runs."""
    return Machine(
        torch=str(torch.__version__), threads=torch.get_num_threads(), cpu=_cpu_type(), processes=processes
    )


def announce_machine(directory: Path, events: EventLog, machine: Machine) -> None:
    """Tell where an attempt runs, and warn when that is not where the run's first attempt ran."""
    path = directory / "machine.json"
    events.message(f"this attempt runs on {machine}")
    if not path.exists():
        write_json(path, asdict(machine))
        return
    first = json.loads(path.read_text(encoding="utf-8"))
    changed = [
        f"{name} was {first.get(name)} and is {value}"
        for name, value in asdict(machine).items()
        if first.get(name) != value
    ]
    if changed:
        events.message(
            "the first attempt ran elsewhere, so that the result is that of an uninterrupted run to rounding "
            f"and not bit for bit: {'; '.join(changed)}",
            level="warning",
        )


def _cpu_type() -> str:
    """The model of the CPU, as Linux names it; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
