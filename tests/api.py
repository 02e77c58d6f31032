"""A program that talks to the API with a token of its own."""

import json
import random
from typing import Any

from django.test import Client

from labeling.actions.tokens import make_token
from labeling.models import ApiToken, User

PROBLEM = {"type", "title", "status", "detail", "code", "fields"}


class Api:
    """Speaks JSON; every answer keeps its parsed body in `.data`."""

    def __init__(self, key: str = "") -> None:
        self.key = key
        # From an address of its own, so that no test uses up another's requests.
        address = ".".join(["10", *(str(random.randrange(256)) for _ in range(3))])
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.client = Client(REMOTE_ADDR=address, headers=headers, raise_request_exception=False)

    def get(self, path: str, **parameters: Any) -> Any:
        return self.ask("GET", path, parameters=parameters)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask("POST", path, body, headers)

    def put(self, path: str, body: Any = None) -> Any:
        return self.ask("PUT", path, body)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        parameters: Any = None,
    ) -> Any:
        answer = self.client.generic(
            method,
            path if path.startswith("/") else f"/api/v1/{path}",
            b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers={name.replace("_", "-"): value for name, value in (headers or {}).items()},
            query_params=parameters or None,
        )
        answer.data = json.loads(answer.content) if answer.content else None
        return answer


def api_for(user: User, *scopes: str) -> Api:
    """A program of this person; with every scope unless some are named."""
    return Api(make_token(user=user, name="test", scopes=scopes or ApiToken.Scope.values, days=30)[1])


def assert_problem(answer: Any, status: int, code: str | None = None) -> None:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.data) == PROBLEM
    assert answer.data["status"] == status
    assert answer.data["detail"]
    if code is not None:
        assert answer.data["code"] == code
