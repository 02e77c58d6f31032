"""`manage.py up` as people use it: started, stopped, started again, and refusing what cannot work."""

import os
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sites import Site, free_port, stop, wait_for_line

BASE_DIR = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.slow


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """Not pytest's: sockets need a short path."""
    with tempfile.TemporaryDirectory(prefix="preceptor-up-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def site(directory) -> Iterator[Site]:
    site = Site(directory / "site", free_port())
    yield site
    site.kill_everything()


@pytest.fixture(scope="module")
def first_start(site) -> Iterator[subprocess.Popen[str]]:
    process = site.up()
    wait_for_line(process, "Logs:")
    yield process
    if process.poll() is None:
        stop(process)


def test_commands_beside_it_reach_its_database(site, first_start):
    made = site.manage("shell", "-c", "from labeling.models import User; User.objects.create_user('a@b.org')")

    assert made.returncode == 0, made.stderr


def test_what_only_the_owner_may_read_is_closed(site, first_start):
    assert mode(site.var_dir / "services.env") == 0o600
    assert mode(site.var_dir / "secrets" / "secret-key") == 0o600
    for name in ("secrets", "run", "tmp", "postgres", "valkey"):
        assert mode(site.var_dir / name) == 0o700, name


def test_a_second_one_in_the_same_directory_says_so_in_one_line(site, first_start):
    refused = site.manage("up")

    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"already runs from {site.var_dir} (process {first_start.pid})" in refused.stderr


def test_a_taken_port_says_so_in_one_line_before_anything_is_made(site, first_start, directory):
    refused = site.manage("up", VAR_DIR=str(directory / "other"))

    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"Port {site.port}" in refused.stderr
    assert [path.name for path in (directory / "other").iterdir()] == ["up.lock"]


def test_a_child_that_dies_is_started_again_and_said_so(site, first_start):
    [beat] = [pid for pid, command in site.processes().items() if " beat " in command]

    os.kill(beat, signal.SIGKILL)

    wait_for_line(first_start, "beat was ended by signal 9; starting it again in 1 s")
    deadline = time.monotonic() + 10
    while not (again := [pid for pid, command in site.processes().items() if " beat " in command]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert again != [beat]


def test_sigterm_ends_all_of_it_and_the_next_start_keeps_the_data(site, first_start):
    stopping_at = time.monotonic()
    printed = stop(first_start)

    assert first_start.returncode == 0, printed
    assert time.monotonic() - stopping_at < 15
    assert "was killed" not in printed
    assert site.processes() == {}
    assert not (site.var_dir / "services.env").exists()
    without = site.manage("check")
    assert "DATABASE_URL is not set. Start everything with `make run`" in without.stderr
    assert without.stderr.count("\n") == 1

    starting_at = time.monotonic()
    second_start = site.up()
    wait_for_line(second_start, "Logs:")
    assert time.monotonic() - starting_at < 20
    emails = site.manage(
        "shell", "-v0", "-c", "from labeling.models import User; print(User.objects.get().email)"
    )
    assert emails.stdout.strip() == "a@b.org", emails.stderr
    printed = stop(second_start, signal.SIGINT)
    assert second_start.returncode == 0, printed
    assert site.processes() == {}


def test_a_killed_supervisor_leaves_nothing_that_misleads(site):
    process = site.up()
    wait_for_line(process, "Logs:")

    process.kill()

    deadline = time.monotonic() + 20
    while site.processes() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert site.processes() == {}
    assert (site.var_dir / "services.env").exists()
    assert "Start everything with `make run`" in site.manage("check").stderr


def test_a_directory_too_deep_for_sockets_is_refused(site, tmp_path):
    deep = tmp_path / ("d" * 100)

    refused = site.manage("up", VAR_DIR=str(deep))

    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "set VAR_DIR to a shorter directory" in refused.stderr


@pytest.mark.parametrize("target", ["install", "run"])
def test_a_missing_interpreter_is_said_in_one_line(target):
    made = subprocess.run(
        ["make", "--always-make", target, "PYTHON=nonexistent"],
        cwd=BASE_DIR,
        env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))},
        capture_output=True,
        text=True,
        check=False,
    )

    assert made.returncode != 0
    assert (made.stdout + made.stderr).count("\n") == 1
    assert 'Python 3.11 or newer is needed and "nonexistent" is not one' in made.stderr


def test_a_command_gets_services_and_workers_of_its_own_and_nothing_stays(site, directory):
    own = Site(directory / "own", site.port)

    finished = own.manage(
        "up", "shell", "-v0", "-c", "from labeling.models import User; print(User.objects.count())"
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.splitlines()[0] == "0"
    assert own.processes() == {}
