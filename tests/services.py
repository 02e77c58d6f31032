"""A private PostgreSQL and Valkey for the whole test session, started before Django's settings are read."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from config.local_services import Postgres, Valkey, directories_environment, make_directories
from config.processes import Process

_processes: list[Process] = []
_directory: Path | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    if _directory is None and not _only_asks(early_config):
        _start()


def pytest_unconfigure() -> None:
    while _processes:
        _processes.pop().stop()
    if _directory is not None:
        shutil.rmtree(_directory, ignore_errors=True)


def _only_asks(config: pytest.Config) -> bool:
    options = config.known_args_namespace
    return bool(getattr(options, "version", False) or getattr(options, "help", False))


def _start() -> None:
    global _directory
    _directory = Path(tempfile.mkdtemp(prefix="preceptor-tests-"))
    make_directories(_directory)
    os.environ.update(directories_environment(_directory))
    tempfile.tempdir = None
    fast = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    postgres = Postgres(_directory, os.environ, settings=fast)
    valkey = Valkey(_directory, os.environ)
    for service in (postgres, valkey):
        process = service.prepare()
        _processes.append(process)
        process.start()
        service.wait_until_ready(process)
    # The tests must see neither the developer's .env nor the network.
    for name in ("DEBUG", "SITE_URL", "ALLOWED_HOSTS", "STATIC_ROOT"):
        os.environ.pop(name, None)
    os.environ.update(
        ENV_FILE=os.devnull,
        DATABASE_URL=postgres.url,
        REDIS_URL=valkey.url,
        SECRET_KEY="only-for-tests-" + os.urandom(16).hex(),
        VAR_DIR=str(_directory),
        ARTIFACTS_DIR=str(_directory / "artifacts"),
        HF_HUB_OFFLINE="1",
        LOG_LEVEL="WARNING",
    )
