"""SIGTERM as a flag that long computations look at between steps. Standard library only."""

from __future__ import annotations

import signal
from types import FrameType

from training.engine.errors import StopRequested


class StopFlag:
    """Raised by SIGTERM (or by a test); `check` turns it into StopRequested at a place where that is safe."""

    def __init__(self) -> None:
        self.is_raised = False

    def listen(self) -> None:
        """Raise the flag on SIGTERM from now on."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.is_raised = True

    def check(self) -> None:
        """Raise StopRequested if the flag is up. Call between micro-batches and between decoding steps."""
        if self.is_raised:
            raise StopRequested
