"""People who ask for tasks and hand them in, each over a connection of their own, and how long they waited.

A person is a thread that waits for answers most of the time; http.client is enough to keep a server on
another core busy, and needs nothing installed. `client_cores` says how busy it was itself.
"""

from __future__ import annotations

import http.client
import json
import random
import resource
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlsplit

PATIENCE_SECONDS = 120


class Labeler(Protocol):
    """Somebody at work in one project of a program."""

    def next(self) -> Any | None:
        """The next task; None when there is none."""

    def submit(self, task: Any) -> None:
        """Hand it in."""

    def submit_for_next(self, task: Any) -> Any | None:
        """Hand it in and get the next, with as few requests as the program's API takes for that."""

    def name_of(self, task: Any) -> str:
        """What tells one task from all others."""

    def close(self) -> None:
        """The connection; asking again opens another."""


class Refused(Exception):
    """The program answered with an error."""


class Caller:
    """A connection that is kept open, and opened anew when the other side has closed it meanwhile."""

    def __init__(self, address: str, headers: dict[str, str]) -> None:
        parts = urlsplit(address)
        assert parts.hostname and parts.port
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE_SECONDS)
        self._headers = {**headers, "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and parsed body; Refused for anything from 400 on but 404."""
        sent = None if body is None else json.dumps(body).encode()
        status, text = self._ask(method, path, sent)
        if status >= 400 and status != 404:
            raise Refused(f"{method} {path}: {status} {text[:300]!r}")
        return status, json.loads(text) if text and status < 400 else None

    def _ask(self, method: str, path: str, sent: bytes | None) -> tuple[int, bytes]:
        # A server closes a connection that was idle; what was sent over it then has not been read.
        with suppress(http.client.RemoteDisconnected, ConnectionError):
            return self._ask_once(method, path, sent)
        self._connection.close()
        return self._ask_once(method, path, sent)

    def _ask_once(self, method: str, path: str, sent: bytes | None) -> tuple[int, bytes]:
        self._connection.request(method, path, body=sent, headers=self._headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        self._connection.close()


@dataclass
class Load:
    """What came of some people's work."""

    people: int
    seconds: float = 0.0
    client_cores: float = 0.0
    cycle_ms: list[float] = field(default_factory=list)
    next_ms: list[float] = field(default_factory=list)
    submit_ms: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def cycles_per_s(self) -> float:
        return round(len(self.cycle_ms) / self.seconds, 1)


def p95(values: Sequence[float]) -> float | None:
    """The value that 95 % do not exceed; None of fewer than 20."""
    return round(sorted(values)[int(0.95 * (len(values) - 1) + 0.5)], 1) if len(values) >= 20 else None


def work(
    labelers: Sequence[Labeler],
    *,
    seconds: float,
    most: int,
    in_two: bool = False,
    begin: Callable[[], object] = lambda: None,
) -> Load:
    """Everybody submits and gets the next, as fast as it goes, for so long or until so many are done.

    in_two: the next is asked for with a request of its own, whatever the program offers. Each one's first
    task is not counted: its request opens the connection. begin: called when everybody has theirs.
    """
    load = Load(len(labelers))
    deadline = 0.0

    def all_are_ready() -> None:
        nonlocal deadline
        begin()
        deadline = time.monotonic() + seconds

    ready = threading.Barrier(len(labelers) + 1, all_are_ready)

    def one(labeler: Labeler) -> None:
        hand_in = partial(_submit_and_ask, labeler) if in_two else labeler.submit_for_next
        task = labeler.next()
        ready.wait(PATIENCE_SECONDS)
        while time.monotonic() < deadline and len(load.cycle_ms) < most:
            if task is None:
                load.problems.append("there was no task left")
                return
            began = time.perf_counter()
            task = hand_in(task)
            load.cycle_ms.append((time.perf_counter() - began) * 1000)

    _together(labelers, one, load, begin=lambda: ready.wait(PATIENCE_SECONDS), broken=ready.abort)
    return load


def work_thinking(labelers: Sequence[Labeler], *, think: float, seconds: float) -> Load:
    """As people do: each thinks between a task and its submission, and nobody begins with another."""
    load = Load(len(labelers))
    end = time.monotonic() + seconds

    def one(labeler: Labeler) -> None:
        time.sleep(random.uniform(0, think))
        while time.monotonic() < end:
            if not _cycle(labeler, load, think):
                return

    _together(labelers, one, load)
    return load


def hand_outs(labelers: Sequence[Labeler], *, rounds: int) -> tuple[int, int]:
    """(hand-outs, how many of them were of a task that somebody had already), all asking at a barrier."""
    load = Load(len(labelers))
    barrier = threading.Barrier(len(labelers))
    given: list[str] = []

    def one(labeler: Labeler) -> None:
        for _ in range(rounds):
            barrier.wait(PATIENCE_SECONDS)
            task = labeler.next()
            if task is not None:
                given.append(labeler.name_of(task))
            barrier.wait(PATIENCE_SECONDS)
            if task is not None:
                labeler.submit(task)

    _together(labelers, one, load, broken=barrier.abort)
    if load.problems:
        raise Refused(load.problems[0])
    return len(given), len(given) - len(set(given))


def _submit_and_ask(labeler: Labeler, task: Any) -> Any | None:
    labeler.submit(task)
    return labeler.next()


def _cycle(labeler: Labeler, load: Load, think: float) -> bool:
    began = time.perf_counter()
    task = labeler.next()
    load.next_ms.append((time.perf_counter() - began) * 1000)
    if task is None:
        load.problems.append("there was no task left")
        return False
    time.sleep(think * random.uniform(0.8, 1.2))
    began = time.perf_counter()
    labeler.submit(task)
    load.submit_ms.append((time.perf_counter() - began) * 1000)
    return True


def _together(
    labelers: Sequence[Labeler],
    one: Callable[[Labeler], None],
    load: Load,
    *,
    begin: Callable[[], object] = lambda: None,
    broken: Callable[[], None] = lambda: None,
) -> None:
    def guarded(labeler: Labeler) -> None:
        try:
            one(labeler)
        except (Refused, OSError, http.client.HTTPException, threading.BrokenBarrierError) as problem:
            load.problems.append(f"{type(problem).__name__}: {problem}")
            broken()
        finally:
            labeler.close()

    threads = [threading.Thread(target=guarded, args=(labeler,), daemon=True) for labeler in labelers]
    for thread in threads:
        thread.start()
    with suppress(threading.BrokenBarrierError):
        begin()
    began, cpu = time.monotonic(), _cpu_seconds()
    for thread in threads:
        thread.join()
    load.seconds = time.monotonic() - began
    load.client_cores = round((_cpu_seconds() - cpu) / load.seconds, 2)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
