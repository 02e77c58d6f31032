"""This program's site for the page benchmark: `manage.py up` in a directory that is deleted afterwards."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from benchmarks.environments import REPOSITORY

EMAIL, PASSWORD = "annotator@example.org", "only for this benchmark"
NOT_FOR_IT = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ARTIFACTS_DIR", "SITE_URL", "ALLOWED_HOSTS"}


@dataclass(frozen=True)
class Site:
    address: str
    environment: dict[str, str]
    pid: int  # of the process that started all the others

    def make_project(self, *, tasks: int, outputs: int) -> str:
        """A project with so many ranking tasks; returns the address of its next one for the annotator."""
        made = subprocess.run(
            [sys.executable, "-m", "benchmarks.ours.page_tasks", str(tasks), str(outputs), EMAIL, PASSWORD],
            cwd=REPOSITORY,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        answer: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
        return f"{self.address}{answer['assignment']}"

    def sign_in(self, browser: Browser) -> list[Any]:
        """By the form; returns the cookies."""
        context = browser.new_context()
        page = context.new_page()
        page.goto(self.address)
        page.fill("[name=login]", EMAIL)
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("[href='/history/'], .project-row, .topbar .name")
        cookies = context.cookies()
        context.close()
        return list(cookies)


@contextmanager
def running_site(**settings: str) -> Iterator[Site]:
    """As `make run` starts it, without the starter project: PostgreSQL, Valkey, workers, gunicorn.

    settings: more of .env.example. All of it stays on the cores that this thread may use now.
    """
    directory = Path(tempfile.mkdtemp(prefix="preceptor-page-"))
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name not in NOT_FOR_IT}
    own = {
        "VAR_DIR": str(directory),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "ENV_FILE": os.devnull,
        "PRECEPTOR_STARTER": "off",
    }
    environment = kept | own | settings
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until_it_answers(process)
        yield Site(f"http://127.0.0.1:{port}", environment, process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=60)
        shutil.rmtree(directory, ignore_errors=True)


def wait_until_it_answers(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line)
        if "Preceptor answers at" in line:
            return
    sys.exit(f"our site did not start:\n{''.join(said[-15:])}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
