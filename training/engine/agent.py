"""The process that starts those of a run and watches them: torch's elastic agent, as torchrun runs it.

What is here needs only the standard library until the agent is started.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import uuid
from pathlib import Path
from types import FrameType
from typing import NoReturn

from training.engine.errors import ProcessKilled, StopRequested
from training.engine.stopping import StopFlag

_PR_SET_PDEATHSIG = 1


def rank_in_environment() -> int | None:
    """This process's number, where an elastic agent has started it (ours or torchrun); None elsewhere."""
    return int(os.environ["RANK"]) if "TORCHELASTIC_RUN_ID" in os.environ else None


def die_with_parent() -> None:
    """Have the kernel kill this process when its agent dies: nobody else would, in its session of its own.

    An agent that is dead before this line takes the store with it at which the processes meet.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def leave(code: int) -> NoReturn:
    """End this process with an exit code.

    One of several ends without the interpreter's own clearing up: now and then a thread of torch's process
    groups is still there by then and aborts it ("terminate called without an active exception", seen twice in
    some 30 starts of two processes, when all work was done).
    """
    if rank_in_environment() is None:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run_processes(directory: Path, stop: StopFlag, *, attempt: int, processes: int) -> list[int]:
    """Have several processes on this machine do the work of a run directory; returns the exit codes of those
    that failed.

    When one fails the others are ended too. SIGTERM goes on to all of them; StopRequested when it comes
    before they are there, ProcessKilled when a signal has ended one.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=str(uuid.uuid4()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    signal.signal(signal.SIGTERM, _raise_stop)  # until the agent has a handler of its own, which passes it on
    stop.check()
    try:
        elastic_launch(config, sys.executable)(
            "-m", "training.engine", "run", str(directory), "--attempt", str(attempt)
        )
    except SignalException:  # they have stopped, and the first one has said so
        return [StopRequested.exit_code]
    except ChildFailedError as error:
        codes = {rank: failure.exitcode for rank, failure in sorted(error.failures.items())}
        for rank, code in codes.items():
            if code < 0 and code != -signal.SIGTERM:  # SIGTERM is the agent's own, to those that were left
                name = signal.Signals(-code).name
                raise ProcessKilled(f"process {rank} was ended by {name}: run again to go on") from error
        return list(codes.values())
    return []


def _raise_stop(_number: int, _frame: FrameType | None) -> None:
    raise StopRequested
