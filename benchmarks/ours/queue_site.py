"""This program's side of the queue benchmark: its annotators by the API, its projects, its overview."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.environments import REPOSITORY
from benchmarks.ours.page_site import Site
from benchmarks.queue_people import PATIENCE_SECONDS, Caller

# Nobody here is to be told to come back later.
NO_THROTTLE = {
    "API_TOKEN_REQUESTS_PER_MINUTE": "100000000",
    "API_ADDRESS_REQUESTS_PER_MINUTE": "100000000",
    "LOG_LEVEL": "WARNING",
}


class Annotator:
    """By the API, with a token of one's own: POST a claim, and submissions that may bring the next task."""

    def __init__(self, address: str, project: str, token: str, outputs: int) -> None:
        self._caller = Caller(address, {"Authorization": f"Bearer {token}"})
        self._claim = f"/api/v1/projects/{project}/assignments/"
        self._places = list(range(1, outputs + 1))

    def next(self) -> Any | None:
        return self._caller.ask("POST", self._claim, {"kind": "rank"})[1]

    def submit(self, task: Any) -> None:
        self._submit(task)

    def submit_for_next(self, task: Any) -> Any | None:
        return self._submit(task, next=True)["next"]

    def _submit(self, task: Any, **asked: bool) -> Any:
        path = f"/api/v1/assignments/{task['id']}/submit/"
        return self._caller.ask("POST", path, {"places": self._places, **asked})[1]

    def name_of(self, task: Any) -> str:
        """Each prompt has its number in it; the API tells no task's id."""
        return str(task["messages"][0]["content"])

    def close(self) -> None:
        self._caller.close()


@dataclass(frozen=True)
class OurProject:
    """A project, tokens of people who work in it, and a session of its manager."""

    site: Site
    public_id: str
    tokens: tuple[str, ...]
    first_person: str  # the address of the first token's owner
    session: str
    dashboard: str  # path of the manager's overview
    another_page: str
    tasks: int
    outputs: int

    def annotators(self, people: int) -> list[Annotator]:
        assert people <= len(self.tokens)
        return [
            Annotator(self.site.address, self.public_id, token, self.outputs)
            for token in self.tokens[:people]
        ]

    def dashboard_seconds(self) -> float:
        """Until the first byte of the manager's overview, which nobody has opened for a while."""
        parts = urlsplit(self.site.address)
        assert parts.hostname and parts.port
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE_SECONDS)
        # Other pages first, so that what is loaded once is loaded.
        for path in (*4 * (self.another_page,), self.dashboard):
            began = time.perf_counter()
            connection.request("GET", path, headers={"Cookie": f"sessionid={self.session}"})
            answer = connection.getresponse()
            took = time.perf_counter() - began
            answer.read()
            assert answer.status == 200, answer.status
        connection.close()
        return took


def make_project(
    site: Site, *, tasks: int, people: int, outputs: int, judged: bool = False, most_by_one: int = 0
) -> OurProject:
    made = ask(
        site,
        do="project",
        tasks=tasks,
        people=people,
        outputs=outputs,
        judged=judged,
        most_by_one=most_by_one,
    )
    return OurProject(
        site,
        public_id=made["project"],
        tokens=tuple(made["tokens"]),
        first_person=made["first_person"],
        session=made["session"],
        dashboard=made["dashboard"],
        another_page=made["another_page"],
        tasks=tasks,
        outputs=outputs,
    )


def ask(site: Site, **request: Any) -> dict[str, Any]:
    """Of benchmarks.ours.queue_rows, beside the running site."""
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.ours.queue_rows", json.dumps(request)],
        cwd=REPOSITORY,
        env=site.environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return answer


def write_prompts(path: Path, rows: int) -> None:
    """A file of prompts as teams have them: a conversation, who wrote it, a category, fields of one's own."""
    with path.open("w") as file:
        for number in range(rows):
            row = {
                "prompt": f"Number {number}: say in a few words how one begins, and what comes after that.",
                "author": f"Author {number % 500}",
                "category": ("generation", "open_qa", "chat")[number % 3],
                "external_id": f"bench-{number}",
                "metadata": {"source": "benchmark", "length": number % 97},
            }
            file.write(json.dumps(row) + "\n")
