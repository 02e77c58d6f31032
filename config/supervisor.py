"""Watches processes, starts again what dies, stops all in order. Knows nothing of what they are."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType

from config.processes import Process, ProcessFailed

QUICK_DEATH_SECONDS = 30.0
QUICK_DEATHS_ALLOWED = 3


class StopRequested(Exception):
    """Ctrl-C or SIGTERM came."""


class Watched:
    """One process and its deaths."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.quick_deaths = 0
        self.start_again_at: float | None = None

    def record_death(self) -> float:
        """Count it; the answer is how long to wait before starting again."""
        lived = time.monotonic() - self.process.started_at
        self.quick_deaths = self.quick_deaths + 1 if lived < QUICK_DEATH_SECONDS else 0
        delay = float(2 ** max(0, self.quick_deaths - 1))
        self.start_again_at = time.monotonic() + delay
        return delay


class Supervisor:
    """Processes in groups: started one group after the other, stopped in the opposite order."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.groups: list[list[Watched]] = []
        self._stop_requested = False
        self._stopping = False

    def listen_to_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup
            signal.signal(number, self._on_signal)

    def add_group(self, processes: Sequence[Process]) -> None:
        """Take over processes; the newest group is stopped first."""
        self.groups.append([Watched(process) for process in processes])

    @property
    def was_asked_to_stop(self) -> bool:
        return self._stop_requested

    def give_up_if_asked(self) -> None:
        if self._stop_requested and not self._stopping:
            raise StopRequested

    def watch(self) -> None:
        """Until someone asks to stop (StopRequested) or a process cannot be kept alive (ProcessFailed)."""
        while True:
            self.check_once()
            time.sleep(0.3)

    def check_once(self) -> None:
        self.give_up_if_asked()
        for group in self.groups:
            for watched in group:
                self._check(watched)

    def stop_newest_group(self) -> None:
        """Ask all of it, wait for all of it, kill what remains."""
        self._stopping = True
        processes = [watched.process for watched in self.groups.pop()]
        asked_at = time.monotonic()
        for process in processes:
            process.ask_to_stop()
        for process in processes:
            if not process.wait_for_end(asked_at + process.grace_seconds):
                self.say(f"{process.name} did not end within {process.grace_seconds:.0f} s and was killed.")

    def stop(self) -> None:
        while self.groups:
            self.stop_newest_group()

    def _check(self, watched: Watched) -> None:
        process = watched.process
        if process.is_running:
            return
        if watched.start_again_at is None:
            ending = _ending(process.exit_code)
            process.end_remains()
            delay = watched.record_death()
            if watched.quick_deaths >= QUICK_DEATHS_ALLOWED:
                raise ProcessFailed(
                    f"{process.name} {ending} and has died {watched.quick_deaths} times in a row soon after "
                    f"its start; the end of {process.log}:\n{process.log_tail()}"
                )
            self.say(f"{process.name} {ending}; starting it again in {delay:.0f} s (log: {process.log}).")
        elif time.monotonic() >= watched.start_again_at:
            watched.start_again_at = None
            process.start()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        # Not print(): the signal may have come in the middle of one.
        if self._stop_requested:
            os.write(1, b"Already stopping; running work gets up to 30 s to put itself away.\n")
        self._stop_requested = True


def _ending(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"was ended by signal {-exit_code}"
    return f"ended with code {exit_code}"
