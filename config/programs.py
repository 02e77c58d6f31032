"""The programs of a site, as argument lists: `manage.py up` starts these, and so do the containers.

docker-compose.yml repeats them; tests/test_containers.py holds it to what stands here.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

# A solo pool would not hear SIGTERM while it is busy.
ONE_AT_A_TIME = ["--pool=prefork", "--concurrency=1", "--prefetch-multiplier=1", "-O", "fair"]
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - heartbeats belong in memory, not on a disk that may be slow


def manage(*arguments: str, python: str = sys.executable) -> list[str]:
    return [python, "manage.py", *arguments]


def collectstatic(*, python: str = sys.executable) -> list[str]:
    return manage("collectstatic", "--noinput", "--verbosity", "0", python=python)


def migrate(*, python: str = sys.executable) -> list[str]:
    return manage("migrate", "--noinput", python=python)


def web(*, bind: str, workers: int, python: str = sys.executable) -> list[str]:
    """Four requests at a time in each process: more only take the processor from each other."""
    command = [python, "-m", "gunicorn", "config.wsgi", "--bind", bind, "--no-control-socket"]
    command += ["--worker-class", "gthread", "--workers", str(workers), "--threads", "4"]
    command += ["--graceful-timeout", "8", "--access-logfile", "-"]
    if os.access(IN_MEMORY, os.W_OK):
        command += ["--worker-tmp-dir", str(IN_MEMORY)]
    return command


def default_worker(*, python: str = sys.executable) -> list[str]:
    """Short work: snapshots, transfers, sweeps."""
    return _worker("default", ["--concurrency=2"], python)


def gpu_worker(*, python: str = sys.executable) -> list[str]:
    """Runs of training, one after the other. Not sampling: a busy worker would sit on the bell it fetched."""
    return _worker("gpu", ONE_AT_A_TIME, python)


def sampling_worker(*, python: str = sys.executable) -> list[str]:
    """Sampling alone, beside training: a promoted policy need not wait for the end of a long run."""
    return _worker("sampling", ONE_AT_A_TIME, python)


def beat(*, schedule: Path, python: str = sys.executable) -> list[str]:
    return [*_celery(python), "beat", "--loglevel", "INFO", "--pidfile=", "--schedule", str(schedule)]


def health(part: str, *, python: str = sys.executable) -> list[str]:
    return [python, "-m", "config.health", part]


def _worker(queue: str, options: Sequence[str], python: str) -> list[str]:
    command = [*_celery(python), "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    return [*command, "-Q", queue, "-n", f"{queue}@%h", *options]


def _celery(python: str) -> list[str]:
    return [python, "-m", "celery", "-A", "config"]
