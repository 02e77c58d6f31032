"""How a task in a pool child learns that its worker is shutting down.

Celery's warm shutdown waits for running tasks and tells them nothing: the signal worker_shutting_down is
sent in the worker's main process only. So that process sets a byte in memory that it shares with the
children it forked. No lock: a child killed at any moment leaves nothing held.
"""

import mmap
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from celery.signals import worker_shutting_down

_stopping = mmap.mmap(-1, 1)  # anonymous and shared: made at import, before the pool forks


@worker_shutting_down.connect
def _announce(**_details: Any) -> None:
    _stopping[0] = 1


_sigterm_here = False


def is_shutting_down() -> bool:
    return _stopping[0] == 1 or _sigterm_here


@contextmanager
def noticing_sigterm() -> Iterator[None]:
    """While inside, SIGTERM to this very process counts too: a cold shutdown, or its whole group got it.

    Forgotten at the end: a task that was revoked must not keep its pool child from the next one.
    """

    def notice(_number: int, _frame: FrameType | None) -> None:
        global _sigterm_here
        _sigterm_here = True

    global _sigterm_here
    before = signal.signal(signal.SIGTERM, notice)
    try:
        yield
    finally:
        _sigterm_here = False
        signal.signal(signal.SIGTERM, before)
