"""Label Studio's side of the queue benchmark: its annotators by its API."""

from __future__ import annotations

from typing import Any

from benchmarks.queue_people import Caller


class Annotator:
    """GET the next task, POST an annotation of it."""

    def __init__(self, address: str, project: int, token: str, outputs: int) -> None:
        self._caller = Caller(address, {"Authorization": f"Token {token}"})
        self._project = project
        order = [str(number) for number in range(1, outputs + 1)]
        self._result = {
            "id": "ranking-1",
            "type": "ranker",
            "from_name": "ranking",
            "to_name": "outputs",
            "value": {"ranker": {"ranking": order}},
        }

    def next(self) -> Any | None:
        return self._caller.ask("GET", f"/api/projects/{self._project}/next")[1]

    def submit(self, task: Any) -> None:
        path = f"/api/tasks/{task['id']}/annotations?project={self._project}"
        self._caller.ask("POST", path, {"lead_time": 1.5, "result": [self._result]})

    def submit_for_next(self, task: Any) -> Any | None:
        """Its API has no request for both, and its page sends two."""
        self.submit(task)
        return self.next()

    def name_of(self, task: Any) -> str:
        return str(task["id"])

    def close(self) -> None:
        self._caller.close()
