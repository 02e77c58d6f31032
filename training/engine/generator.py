"""Completions by an OpenAI-compatible server, such as vLLM, in place of the engine's own sampling. Standard
library only.

Not for PPO: the log-probabilities of another program are not those of the training pass to rounding, and the
importance ratio would be wrong from the first step.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from queue import Empty, SimpleQueue
from typing import Any, Literal

from training.engine.errors import DataError
from training.engine.records import Message

TRIES = 6
FIRST_PAUSE = 1.0  # seconds; doubles with every try
PATIENCE = 600.0  # seconds without an answer


@dataclass(frozen=True)
class Question:
    """A prompt and the numbers of the completions wanted of it."""

    key: str
    messages: tuple[Message, ...]
    indices: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """A completion. token_count and logprob are None where the server does not tell."""

    key: str
    index: int
    text: str
    finish_reason: Literal["stop", "length"]
    token_count: int | None
    logprob: float | None


@dataclass(frozen=True)
class Generator:
    """A server and how it is asked. url: up to and with /v1. seed: as far as the server heeds it."""

    url: str
    model: str
    max_tokens: int
    temperature: float
    seed: int

    def complete(self, question: Question) -> list[Answer]:
        """All the completions asked for; servers that know no `n` are asked again for the rest."""
        answers: list[Answer] = []
        while len(answers) < len(question.indices):
            missing = question.indices[len(answers) :]
            try:
                answers += self._ask(question.key, question.messages, missing)
            except (AttributeError, KeyError, TypeError) as error:
                raise DataError(f"generator_url: {self.url} does not answer in OpenAI's format") from error
        return answers

    def _ask(self, key: str, messages: Sequence[Message], indices: Sequence[int]) -> list[Answer]:
        counter = f"{self.seed}\0{key}\0{indices[0]}".encode()
        body = {
            "model": self.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "n": len(indices),
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "top_p": 1.0,
            # Another seed for each request: equal ones would give the completions that are already there.
            "seed": int.from_bytes(hashlib.blake2b(counter, digest_size=4).digest(), "big") >> 1,
            "logprobs": True,
        }
        response = self._post("/chat/completions", body)
        choices = response["choices"][: len(indices)]
        if not choices:
            raise DataError(f"generator_url: {self.url} answered without completions")
        only = (response.get("usage") or {}).get("completion_tokens") if len(choices) == 1 else None
        return [
            self._answer(key, index, choice, only) for index, choice in zip(indices, choices, strict=False)
        ]

    def _answer(self, key: str, index: int, choice: Mapping[str, Any], tokens: int | None) -> Answer:
        content = (choice.get("logprobs") or {}).get("content") or []
        # Servers tell log-probabilities before the temperature is applied; at 1 there is no difference.
        tells = bool(content) and self.temperature == 1.0
        return Answer(
            key=key,
            index=index,
            text=str(choice["message"].get("content") or "").replace("\0", "\N{REPLACEMENT CHARACTER}"),
            finish_reason="stop" if choice.get("finish_reason") == "stop" else "length",
            token_count=len(content) or tokens,
            logprob=sum(float(token["logprob"]) for token in content) if tells else None,
        )

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The server's answer; tried again where that may help, with pauses that double."""
        request = urllib.request.Request(  # noqa: S310 (http or https: SampleConfig)
            self.url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **_authorization(self.url)},
        )
        pause = FIRST_PAUSE
        for number in range(TRIES):
            try:
                with _opener.open(request, timeout=PATIENCE) as response:
                    answer: dict[str, Any] = json.load(response)
                    return answer
            except urllib.error.HTTPError as error:
                with error:
                    text = error.read(2000).decode(errors="replace")
                if error.code not in (408, 409, 425, 429) and error.code < 500:
                    raise DataError(self._refusal(error.code, text)) from error
                problem = f"answered {error.code}: {text[:300]}"
                pause = max(pause, _seconds(error.headers.get("Retry-After")))
            except (OSError, HTTPException, ValueError) as error:  # URLError is an OSError
                problem = f"cannot be asked: {getattr(error, 'reason', error)}"
            if number < TRIES - 1:
                time.sleep(pause)
                pause *= 2
        raise DataError(
            f"generator_url: {self.url} {problem} ({TRIES} tries). Start the server, or wait until it is "
            "well, and try the run again: what is written is not asked for again. Without generator_url the "
            "engine samples by itself"
        )

    def _refusal(self, code: int, text: str) -> str:
        if code in (401, 403):
            return (
                f"generator_url: {self.url} refuses the API key ({code}). Set GENERATOR_API_KEY in the "
                f'worker\'s environment to "{self.url} KEY"; the key goes to that address alone'
            )
        if code == 404:
            models = ", ".join(self._models()) or "unknown"
            return (
                f"generator_model: {self.url} has no model {self.model!r}, or the address is not that of its "
                f"API, which usually ends in /v1 (404). Models there: {models}"
            )
        return f"generator_url: {self.url} refuses the request ({code}): {text[:300]}"

    def _models(self) -> list[str]:
        request = urllib.request.Request(self.url + "/models", headers=_authorization(self.url))  # noqa: S310
        try:
            with _opener.open(request, timeout=10) as response:
                return [str(model["id"]) for model in json.load(response)["data"]]
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            return []


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The key goes nowhere but to the address it was given for."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def _authorization(url: str) -> dict[str, str]:
    """The header with the key, if the environment has one for this address."""
    address, _, key = os.environ.get("GENERATOR_API_KEY", "").strip().partition(" ")
    return {"Authorization": f"Bearer {key.strip()}"} if key and address.rstrip("/") == url else {}


def _seconds(retry_after: str | None) -> float:
    """Retry-After in seconds, at most a minute; 0 for none and for dates."""
    return min(float(retry_after), 60.0) if (retry_after or "").isdecimal() and retry_after else 0.0


def complete_all(
    generator: Generator, questions: Sequence[Question], *, at_once: int, check_stop: Callable[[], None]
) -> Iterator[list[Answer]]:
    """The answers to each question as they come, `at_once` questions at a time.

    Threads that wait for a server cannot be interrupted: they are daemons, so that a run that is stopped, or
    has failed, ends at once.
    """
    waiting = deque(questions)
    answered: SimpleQueue[list[Answer] | Exception] = SimpleQueue()

    def ask() -> None:
        while True:
            try:
                question = waiting.popleft()
            except IndexError:
                return
            try:
                answered.put(generator.complete(question))
            except Exception as error:  # told where the run is, which ends by it
                answered.put(error)

    for _ in range(min(at_once, len(questions))):
        threading.Thread(target=ask, daemon=True).start()
    try:
        for _ in questions:
            yield _next(answered, check_stop)
    finally:
        waiting.clear()


def _next(answered: SimpleQueue[list[Answer] | Exception], check_stop: Callable[[], None]) -> list[Answer]:
    while True:
        check_stop()
        try:
            answer = answered.get(timeout=0.2)
        except Empty:
            continue
        if isinstance(answer, Exception):
            raise answer
        return answer
