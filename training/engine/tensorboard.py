"""The numbers of a run as TensorBoard files beside it, for those who look at theirs there.

Written from the same metrics events as events.jsonl. One file an attempt: what an earlier one had reported of
steps that are done again, TensorBoard drops.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class TensorBoardFiles:
    """Opened with the first number: a run without numbers leaves no directory."""

    def __init__(self, directory: Path, *, attempt: int) -> None:
        self._directory = directory
        self._attempt = attempt
        self._writer: Any = None

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one step, handed to the operating system when this returns."""
        # Not SummaryWriter: it writes from a thread behind a queue, and a kill would cost what waits there.
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.proto.summary_pb2 import Summary

        if self._writer is None:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._writer = EventsWriter(str(self._directory / "events"), f".attempt-{self._attempt}")
            if self._attempt > 1:  # from this step on the earlier attempts' numbers are void
                start = SessionLog(status=SessionLog.START)
                self._writer.write_event(Event(wall_time=time.time(), step=step, session_log=start))
        numbers = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._writer.write_event(Event(wall_time=time.time(), step=step, summary=Summary(value=numbers)))
        self._writer.flush()
