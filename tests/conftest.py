"""The people of the tests, a browser, and real workers."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.test import Client

BASE_DIR = Path(__file__).resolve().parent.parent
PASSWORD = "a passphrase for tests"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
]


# --- people


@pytest.fixture
def project(db):
    from labeling import actions

    return actions.create_project(name="Helpful answers", creator=None)


@pytest.fixture
def person(db) -> Callable[..., Any]:
    """Makes an account; with a project and roles, a member of it."""
    from labeling.models import Membership, User

    def make(name: str, *roles: str, project: Any = None) -> Any:
        user = User.objects.create_user(f"{name.lower()}@example.org", PASSWORD, name=name)
        for role in roles:
            Membership.objects.create(user=user, project=project, role=role)
        return user

    return make


@pytest.fixture
def annotator(person, project):
    """Ada ranks and writes in the project."""
    return person("Ada", "annotator", project=project)


@pytest.fixture
def second_annotator(person, project):
    """Ben does the same work as Ada, so that two can meet at one task."""
    return person("Ben", "annotator", project=project)


@pytest.fixture
def manager(person, project):
    """Mia runs the project and judges nothing."""
    return person("Mia", "manager", project=project)


@pytest.fixture
def engineer(person, project):
    """Eli trains on what the others judged."""
    return person("Eli", "engineer", project=project)


@pytest.fixture
def outsider(person):
    """Olga has an account and is in no project."""
    return person("Olga")


@pytest.fixture(scope="session", autouse=True)
def _the_test_server_answers_at_once() -> None:
    """It writes an answer's head and body one after the other: Nagle's algorithm keeps the body back until
    the head is acknowledged, and the other side puts that off by 40 ms, on each request of a connection."""
    from django.core.servers.basehttp import WSGIRequestHandler

    WSGIRequestHandler.disable_nagle_algorithm = True


@pytest.fixture
def client_for() -> Callable[[Any], Client]:
    """A test client in which this person is signed in."""

    def sign_in(user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


# --- a browser


def chromium_path() -> str | None:
    for name in CHROMIUM_NAMES:
        if found := shutil.which(name):
            return found
    return None


@pytest.fixture(scope="session")
def browser():
    """One Chromium for the session: the one on PATH, else Playwright's own. Fails when there is neither."""
    from playwright.sync_api import Error, sync_playwright

    # Playwright's event loop lives in this thread, which makes Django suspect asynchronous use of the ORM.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        except Error as error:
            pytest.fail(
                f"No Chromium on PATH and none of Playwright's: run `make test`.\n{error}", pytrace=False
            )
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser, live_server) -> Iterator[Callable[..., Any]]:
    """Opens a page of its own context; any option of Playwright's new_context may be given.

    A script error or a violation of the content security policy fails the test at its end.
    """
    contexts, problems = [], []

    def open_page(user: Any = None, **options: Any) -> Any:
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        if user is not None:
            sign_in_browser(context, user, live_server.url)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda message: (
                problems.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            page.goto("about:blank")
    # A page saves its draft as it is left: that must be done before the database is emptied.
    time.sleep(0.3)
    for context in contexts:
        context.close()
    assert not problems, problems


@pytest.fixture
def page(new_page) -> Any:
    """A page on the live server, nobody signed in; see `sign_in_browser` and `new_page(user)`."""
    return new_page()


def sign_in_browser(context: Any, user: Any, url: str) -> None:
    """Give a browser context the session of this person, past the sign-in page."""
    from django.conf import settings

    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])


# --- workers


class Workers:
    """Real `celery worker` processes against the test database and the test broker."""

    def __init__(self, environment: dict[str, str], log_dir: Path) -> None:
        self.environment = environment
        self.log_dir = log_dir
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, queue: str, *, queues: str = "") -> subprocess.Popen[bytes]:
        """A worker of this name; that of "gpu" samples too, so that most tests need one. queues: its own."""
        queues = queues or {"gpu": "gpu,sampling"}.get(queue, queue)
        command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-Q", queues]
        command += ["-n", f"{queue}@%h"]
        command += ["--pool=prefork", "--concurrency=1", "--prefetch-multiplier=1", "-O", "fair"]
        command += ["--without-gossip", "--without-mingle", "--loglevel=INFO"]
        log_path = self.log_dir / f"{queue}.log"
        with log_path.open("ab") as log:
            written_before = log.tell()
            process = subprocess.Popen(
                command,
                cwd=BASE_DIR,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes[queue] = process
        self._wait_until_ready(queue, log_path, written_before)
        return process

    def log(self, queue: str) -> str:
        return (self.log_dir / f"{queue}.log").read_text(errors="replace")

    def stop(self, queue: str, *, seconds: float = 30) -> None:
        process = self.processes.pop(queue)
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._kill(process)

    def kill(self, queue: str) -> None:
        """kill -9 of the worker and its pool."""
        self._kill(self.processes.pop(queue))

    def stop_all(self) -> None:
        for process in self.processes.values():
            process.terminate()
        deadline = time.monotonic() + 10
        for process in self.processes.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._kill(process)
        self.processes.clear()

    def _wait_until_ready(self, queue: str, log_path: Path, written_before: int) -> None:
        deadline = time.monotonic() + 60
        while b" ready." not in log_path.read_bytes()[written_before:]:
            if self.processes[queue].poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"The worker of {queue} did not start:\n{self.log(queue)[-4000:]}", pytrace=False)
            time.sleep(0.1)

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait(10)


@pytest.fixture(scope="session")
def worker_environment(django_db_setup) -> dict[str, str]:
    """The environment in which a process sees the test database instead of the session's empty one."""
    from django.db import connection

    url = urlsplit(os.environ["DATABASE_URL"])
    test_database = urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}"))
    return os.environ | {"DATABASE_URL": test_database, "DJANGO_SETTINGS_MODULE": "tests.settings"}


@pytest.fixture
def workers(worker_environment, transactional_db, tmp_path) -> Iterator[Workers]:
    """Workers to be started, killed and started again by the test: `workers.start("gpu")`."""
    _empty_the_broker()
    running = Workers(worker_environment, tmp_path)
    yield running
    running.stop_all()
    _empty_the_broker()


@pytest.fixture
def celery_workers(workers) -> Workers:
    """Workers of both queues, running."""
    workers.start("default")
    workers.start("gpu")
    return workers


def _empty_the_broker() -> None:
    import redis

    redis.Redis.from_url(os.environ["REDIS_URL"]).flushall()
