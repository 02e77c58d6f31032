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
from typing import TYPE_CHECKING

from training.engine.errors import StopRequested
from training.engine.events import EventLog
from training.engine.stopping import StopFlag

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

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


def run_processes(directory: Path, events: EventLog, stop: StopFlag, *, processes: int) -> int:
    """Do the work of a run directory in several processes on this machine; returns the exit code.

    SIGTERM goes on to all of them. When one ends with an error the others are ended too, and its exit code is
    this one's; when a signal has ended it, this process ends by the same.
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
    arguments = ["-m", "training.engine", "run", str(directory), "--attempt", str(events.attempt)]
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    stop.check()
    signal.signal(signal.SIGTERM, _raise)  # from here on the agent passes it on
    try:
        elastic_launch(config, sys.executable)(*arguments)
    except SignalException as error:
        raise StopRequested from error
    except ChildFailedError as error:
        return _code_of(error, events)
    return 0


def _raise(number: int, _frame: FrameType | None) -> None:
    from torch.distributed.elastic.multiprocessing import SignalException

    raise SignalException(
        f"{signal.Signals(number).name} before the processes were started", signal.Signals(number)
    )


def _code_of(error: ChildFailedError, events: EventLog) -> int:
    for rank, failure in sorted(error.failures.items()):
        if failure.exitcode < 0:
            name = signal.Signals(-failure.exitcode).name
            events.error("process_killed", f"process {rank} was ended by {name}, so all were ended")
            signal.signal(-failure.exitcode, signal.SIG_DFL)
            os.kill(os.getpid(), -failure.exitcode)
    return int(error.get_first_failure()[1].exitcode)
