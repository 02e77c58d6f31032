"""Drawing completions from a policy: many rows at once, finished rows replaced, log-probabilities kept.

Pure sampling from softmax(logits / temperature): top-p or top-k would make the policy that wrote the tokens
another than the one whose log-probabilities PPO compares.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from training.engine.algorithms.logprobs import token_logprobs
from training.engine.decoding import DecodingBatch, PrefilledPrompt, prefill

PREFILL_TOKENS = 1024  # prompts are prefilled together up to this many padded tokens


@dataclass(frozen=True)
class SamplingSettings:
    """How to draw. `stream` names the random stream: another stream gives other completions."""

    stream: str
    max_new_tokens: int
    temperature: float
    rows_in_flight: int
    eos_id: int
    pad_id: int


@dataclass(frozen=True)
class SamplingRequest:
    """A prompt and the numbers of the completions wanted of it."""

    key: str
    prompt_ids: tuple[int, ...]
    indices: tuple[int, ...]


@dataclass(frozen=True)
class SampledCompletion:
    """token_ids and their logprobs; the EOS is among them when finish_reason is "stop"."""

    key: str
    index: int
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish_reason: Literal["stop", "length"]


@dataclass
class _Row:
    key: str
    index: int
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)


def uniform(stream: str, key: str, index: int, position: int) -> float:
    """A number in [0, 1) that depends on its arguments alone: a counter-based random stream.

    So a completion does not depend on which other rows share the batch, except through rounding, and a
    resumed run draws what the uninterrupted one would have drawn.
    """
    counter = f"{stream}\0{key}\0{index}\0{position}".encode()
    return (int.from_bytes(hashlib.blake2b(counter, digest_size=8).digest(), "big") >> 11) / 2**53


def draw(logits: Tensor, uniforms: Tensor, *, temperature: float) -> Tensor:
    """Invert the cumulative distribution of softmax(logits / temperature) at `uniforms`.

    logits: (rows, vocabulary). uniforms: (rows,) in [0, 1). Returns (rows,) int64 tokens.
    """
    weights = torch.softmax(logits.float() / temperature, dim=-1)
    cumulative = weights.cumsum(dim=-1)
    thresholds = (uniforms.to(cumulative) * cumulative[:, -1]).unsqueeze(-1)
    # right=True passes over tokens of probability 0; rounding must not lead past the end.
    return torch.searchsorted(cumulative, thresholds, right=True).squeeze(-1).clamp(max=logits.shape[-1] - 1)


class _Prompts:
    """Requests in order, prefilled a few prompts ahead, handed out one completion at a time."""

    def __init__(self, policy: Any, requests: Sequence[SamplingRequest], settings: SamplingSettings) -> None:
        self._policy = policy
        self._pad_id = settings.pad_id
        self._waiting = deque(request for request in requests if request.indices)
        self._ready: deque[tuple[_Row, PrefilledPrompt]] = deque()

    def next_row(self) -> tuple[_Row, PrefilledPrompt] | None:
        if not self._ready and self._waiting:
            group = [self._waiting.popleft()]
            longest = len(group[0].prompt_ids)
            while self._waiting:
                longest = max(longest, len(self._waiting[0].prompt_ids))
                if (len(group) + 1) * longest > PREFILL_TOKENS:
                    break
                group.append(self._waiting.popleft())
            prompts = prefill(self._policy, [request.prompt_ids for request in group], pad_id=self._pad_id)
            for request, prompt in zip(group, prompts, strict=True):
                self._ready.extend((_Row(request.key, index), prompt) for index in request.indices)
        return self._ready.popleft() if self._ready else None


@torch.no_grad()
def sample_completions(
    policy: Any,
    requests: Sequence[SamplingRequest],
    settings: SamplingSettings,
    check_stop: Callable[[], None] = lambda: None,
) -> Iterator[SampledCompletion]:
    """Yield every requested completion as soon as it is finished; rows start in the order of the requests.

    Each prompt goes through the model once. `check_stop` is called before every decoding step.
    """
    prompts = _Prompts(policy, requests, settings)
    batch = DecodingBatch(policy, capacity=settings.rows_in_flight)
    rows: list[_Row] = []
    while True:
        check_stop()
        undrawn = list(range(len(rows)))
        while True:  # a row that ends at once leaves room for another, which needs its first token too
            while batch.count < batch.capacity and (following := prompts.next_row()):
                undrawn.append(batch.add(following[1]))
                rows.append(following[0])
            if not undrawn:
                break
            finished = _draw_next_tokens(rows, undrawn, batch, settings)
            for number in sorted(finished, reverse=True):
                yield _completed(rows[number], settings.eos_id)
                batch.remove(number)
                rows[number] = rows[-1]
                rows.pop()
            undrawn = []
            if not finished:
                break
        if not rows:
            return
        batch.advance(torch.tensor([row.token_ids[-1] for row in rows], device=policy.device))


def _draw_next_tokens(
    rows: list[_Row], numbers: list[int], batch: DecodingBatch, settings: SamplingSettings
) -> list[int]:
    """Draw one token for each of the numbered rows; returns the numbers of those that are now finished."""
    assert batch.logits is not None
    logits = batch.logits[numbers] if len(numbers) < batch.count else batch.logits[: batch.count]
    uniforms = [uniform(settings.stream, rows[n].key, rows[n].index, len(rows[n].token_ids)) for n in numbers]
    tokens = draw(logits, torch.tensor(uniforms, dtype=torch.float64), temperature=settings.temperature)
    logprobs = token_logprobs(logits, tokens, temperature=settings.temperature)
    finished = []
    for number, token, logprob in zip(numbers, tokens.tolist(), logprobs.tolist(), strict=True):
        rows[number].token_ids.append(token)
        rows[number].logprobs.append(logprob)
        if token == settings.eos_id or len(rows[number].token_ids) >= settings.max_new_tokens:
            finished.append(number)
    return finished


def _completed(row: _Row, eos_id: int) -> SampledCompletion:
    return SampledCompletion(
        key=row.key,
        index=row.index,
        token_ids=tuple(row.token_ids),
        logprobs=tuple(row.logprobs),
        finish_reason="stop" if row.token_ids[-1] == eos_id else "length",
    )
