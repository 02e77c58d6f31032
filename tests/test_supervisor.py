"""What becomes of processes that die, and in which order the living are stopped."""

import os
import time
from pathlib import Path

import pytest

from config.processes import Process, ProcessFailed
from config.supervisor import Supervisor


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said):
    supervisor = Supervisor(said.append)
    yield supervisor
    supervisor.stop()


@pytest.fixture
def process(tmp_path):
    def make(name: str, script: str, **options: float) -> Process:
        command = ["sh", "-c", script]
        log = tmp_path / f"{name}.log"
        return Process(name, command, log=log, cwd=tmp_path, environment=os.environ, **options)

    return make


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 10
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return path.read_text()


def ends(pid: int) -> bool:
    """Whether it is gone, or dead and not yet collected, within some seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.slow
def test_three_quick_deaths_in_a_row_end_it_with_the_reason(supervisor, said, process):
    doomed = process("doomed", "echo 'no such thing'; exit 3")
    supervisor.add_group([doomed])
    doomed.start()

    with pytest.raises(ProcessFailed) as failure:
        supervisor.watch()

    assert [sentence.split(" (log")[0] for sentence in said] == [
        "doomed ended with code 3; starting it again in 1 s",
        "doomed ended with code 3; starting it again in 2 s",
    ]
    assert "doomed ended with code 3 and has died 3 times in a row" in str(failure.value)
    assert str(failure.value).count("no such thing") == 3


def test_the_newest_group_has_ended_before_the_next_is_asked(supervisor, process, tmp_path):
    ends_late = "trap 'sleep {seconds}; echo {name} >> order; exit' TERM; echo up > {name}; "
    script = ends_late + "while :; do sleep 0.05; done"
    for name, seconds in (("database", 0), ("worker", 0.5)):
        started = process(name, script.format(name=name, seconds=seconds))
        supervisor.add_group([started])
        started.start()
        wait_for(tmp_path / name)

    supervisor.stop()

    assert (tmp_path / "order").read_text().split() == ["worker", "database"]


def test_one_that_does_not_end_is_killed_with_its_children_and_said_so(supervisor, said, process, tmp_path):
    stubborn = process(
        "stubborn", "trap '' TERM; sleep 60 & echo $! > child; while :; do sleep 1; done", grace_seconds=0.3
    )
    supervisor.add_group([stubborn])
    stubborn.start()
    child = int(wait_for(tmp_path / "child"))

    supervisor.stop()

    assert said == ["stubborn did not end within 0 s and was killed."]
    assert ends(child)


def test_what_a_dead_one_left_running_is_ended_before_it_starts_again(supervisor, process, tmp_path):
    worker = process("worker", "sleep 60 & echo $! > child; exit 1")
    supervisor.add_group([worker])
    worker.start()
    child = int(wait_for(tmp_path / "child"))
    while worker.is_running:
        time.sleep(0.02)

    supervisor.check_once()

    assert ends(child)
