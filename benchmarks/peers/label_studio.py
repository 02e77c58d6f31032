"""Label Studio for the benchmarks of the page and of the queue, in a directory that is deleted afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from benchmarks.environments import DIRECTORY, LABEL_STUDIO
from benchmarks.ours.page_site import free_port
from benchmarks.page_texts import tasks as texts_of

EMAIL, PASSWORD, TOKEN = "admin@example.org", "Only-4-this-benchmark", "0123456789abcdef" * 2
START_SECONDS = 600  # with PostgreSQL its first start is some hundred migrations
ROWS_AT_ONCE = 2000

# A prompt and a list of outputs that is dragged into an order, as in Label Studio's template for ranking.
CONFIG = """<View>
  <Header value="Prompt"/>
  <Text name="prompt" value="$prompt"/>
  <List name="outputs" value="$items" title="Outputs"/>
  <Ranker name="ranking" toName="outputs"/>
</View>"""


@dataclass(frozen=True)
class LabelStudio:
    address: str
    environment: dict[str, str]
    pid: int

    def make_project(self, *, tasks: int, outputs: int) -> str:
        """Made and filled by its API; returns the address of its labeling page."""
        return f"{self.address}/projects/{self.fill_project(tasks=tasks, outputs=outputs)}/data?labeling=1"

    def fill_project(self, *, tasks: int, outputs: int) -> int:
        """Its id."""
        project = self.ask("/api/projects", {"title": f"{outputs} outputs", "label_config": CONFIG})
        rows = [
            {
                "prompt": texts.prompt,
                "items": [
                    {"id": f"{number}", "title": chr(64 + number), "body": text}
                    for number, text in enumerate(texts.outputs, start=1)
                ],
            }
            for texts in texts_of(tasks, outputs)
        ]
        for begin in range(0, len(rows), ROWS_AT_ONCE):
            self.ask(f"/api/projects/{project['id']}/import", rows[begin : begin + ROWS_AT_ONCE])
        return int(project["id"])

    def make_people(self, count: int) -> list[str]:
        """Annotators; returns their tokens."""
        # Its own package label_studio is meant, not the file beside the script.
        command = [str(LABEL_STUDIO.python), "-P", str(Path(__file__).with_name("label_studio_people.py"))]
        made = subprocess.run(
            [*command, str(count)], env=self.environment, stdout=subprocess.PIPE, text=True, check=True
        )
        tokens: list[str] = json.loads(made.stdout.splitlines()[-1])
        return tokens

    def ask(self, path: str, body: Any) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - its own address
            self.address + path,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=300) as answer:  # noqa: S310
            result: dict[str, Any] = json.load(answer)
        return result

    def sign_in(self, browser: Browser) -> list[Any]:
        """By the form; returns the cookies."""
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{self.address}/user/login/")
        page.fill("[name=email]", EMAIL)
        page.fill("[name=password]", PASSWORD)
        page.locator("[name=password]").press("Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        cookies = context.cookies()
        context.close()
        return list(cookies)


@contextmanager
def running_label_studio(**settings: str) -> Iterator[LabelStudio]:
    """Started as its documentation says: `label-studio start`; with SQLite unless settings say otherwise.

    All of it stays on the cores that this thread may use now.
    """
    directory = Path(tempfile.mkdtemp(prefix="label-studio-page-"))
    port = free_port()
    own = {
        "LABEL_STUDIO_BASE_DATA_DIR": str(directory),
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "DJANGO_DB": "sqlite",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "DEBUG": "false",
    }
    command = [str(LABEL_STUDIO.python.parent / "label-studio"), "start", "--no-browser"]
    command += ["--port", str(port), "--internal-host", "127.0.0.1", "--log-level", "ERROR", "--init"]
    command += ["--username", EMAIL, "--password", PASSWORD]
    command += ["--user-token", TOKEN, "--enable-legacy-api-token"]
    environment = {**os.environ, **own, **settings}
    log_path = DIRECTORY / "label-studio.log"
    with log_path.open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_it_answers(process, address, log_path)
        yield LabelStudio(address, environment, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(directory, ignore_errors=True)


def wait_until_it_answers(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):  # noqa: S310 - its own address
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    sys.exit(f"Label Studio did not start; the end of {log}:\n{last}")
