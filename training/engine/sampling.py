"""Drawing completions from a policy: many rows at once, finished rows replaced, log-probabilities kept.

Pure sampling from softmax(logits / temperature): top-p or top-k would make the policy that wrote the tokens
another than the one whose log-probabilities PPO compares.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

from training.engine.decoding import DecodingBatch, PrefilledPrompt, check_decoding, prefill

PREFILL_TOKENS = 1024  # prompts are prefilled together up to this many tokens
ORDERED_TOGETHER = 32  # requests of which those of like length go together
BLOCK = 256  # tokens of the vocabulary whose probabilities are summed before one of them is drawn


@dataclass(frozen=True)
class SamplingSettings:
    """How to draw. `stream` names the random stream: another stream gives other completions."""

    stream: str
    max_new_tokens: int
    temperature: float
    rows_in_flight: int
    eos_id: int


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


def uniforms(stream: str, key: str, index: int, count: int) -> Tensor:
    """`count` numbers in [0, 1), (count,) float64, by which the completion's tokens are drawn.

    A counter-based random stream: the number at a position depends on the stream, the prompt's key, the
    completion's index and the position alone. So a completion does not depend on which other rows share the
    batch, except through rounding, and a resumed run draws what the uninterrupted one would have drawn.
    """
    digest = hashlib.shake_256(f"{stream}\0{key}\0{index}".encode()).digest(8 * count)
    integers = torch.frombuffer(bytearray(digest), dtype=torch.int64)
    return ((integers >> 11) & (2**53 - 1)).double() / 2**53


def draw(logits: Tensor, uniforms: Tensor, *, temperature: float) -> tuple[Tensor, Tensor]:
    """Invert the cumulative distribution of softmax(logits / temperature) at `uniforms`.

    logits: (rows, vocabulary). uniforms: (rows,) in [0, 1). Returns tokens (rows,) int64 and their
    log-probabilities (rows,) float32, those of `token_logprobs`. First the block of the vocabulary is found
    and then the token in it, because a running sum over a whole vocabulary is slow.
    """
    scaled = logits.float() / temperature
    top = scaled.amax(-1, keepdim=True)
    weights = (scaled - top).exp_()
    weights = pad(weights, (0, -weights.shape[1] % BLOCK)).view(len(weights), -1, BLOCK)
    up_to_block = weights.sum(-1).cumsum(-1)
    total = up_to_block[:, -1:]
    block, past = _first_beyond(up_to_block, uniforms[:, None].to(total) * total)
    own = weights.gather(1, block[:, :, None].expand(-1, -1, BLOCK))[:, 0]
    place, _ = _first_beyond(own.cumsum(-1), past)
    tokens = block * BLOCK + place
    return tokens[:, 0], (scaled.gather(1, tokens) - top - total.log())[:, 0]


def _first_beyond(cumulative: Tensor, thresholds: Tensor) -> tuple[Tensor, Tensor]:
    """Where cumulative sums (rows, n) first exceed thresholds (rows, 1), and what is left of the thresholds
    there; rounding can lead neither past the end nor to where nothing was added."""
    highest = torch.nextafter(cumulative[:, -1:], torch.zeros_like(thresholds))
    thresholds = torch.minimum(thresholds, highest)
    found = torch.searchsorted(cumulative, thresholds, right=True)
    before = cumulative.gather(1, (found - 1).clamp(min=0)) * (found > 0)
    return found, (thresholds - before).clamp(min=0)


class _Prompts:
    """Requests nearly in order, prefilled a few prompts ahead, handed out one completion at a time."""

    def __init__(self, policy: Any, requests: Sequence[SamplingRequest]) -> None:
        self._policy = policy
        self._waiting = deque(request for request in _near_in_length(requests) if request.indices)
        self._ready: deque[tuple[str, int, PrefilledPrompt]] = deque()

    def next_completion(self) -> tuple[str, int, PrefilledPrompt] | None:
        """Key and index of the completion to be started next, and its prompt; None when all are started."""
        if not self._ready and self._waiting:
            group = [self._waiting.popleft()]
            tokens = len(group[0].prompt_ids)
            while self._waiting and tokens + len(self._waiting[0].prompt_ids) <= PREFILL_TOKENS:
                group.append(self._waiting.popleft())
                tokens += len(group[-1].prompt_ids)
            prompts = prefill(self._policy, [request.prompt_ids for request in group])
            for request, prompt in zip(group, prompts, strict=True):
                self._ready.extend((request.key, index, prompt) for index in request.indices)
        return self._ready.popleft() if self._ready else None


def _near_in_length(requests: Sequence[SamplingRequest]) -> Iterator[SamplingRequest]:
    """Requests in portions, each by length: keys of prompts decoded together are padded to the longest."""
    for start in range(0, len(requests), ORDERED_TOGETHER):
        yield from sorted(requests[start : start + ORDERED_TOGETHER], key=lambda r: len(r.prompt_ids))


class _Drawn:
    """What the rows in flight have drawn so far. Row i of every tensor belongs to row i of the batch.

    names: key and index of each row. uniforms, tokens, logprobs: (capacity, most new tokens). counts:
    (capacity,) tokens drawn.
    """

    def __init__(self, settings: SamplingSettings, device: torch.device) -> None:
        self._settings = settings
        shape = (settings.rows_in_flight, settings.max_new_tokens)
        self.names: list[tuple[str, int]] = []
        self.uniforms = torch.zeros(shape, dtype=torch.float64, device=device)
        self.tokens = torch.zeros(shape, dtype=torch.int64, device=device)
        self.logprobs = torch.zeros(shape, device=device)
        self.counts = torch.zeros(shape[0], dtype=torch.int64, device=device)

    def start(self, key: str, index: int) -> None:
        """Begin a completion in the next row."""
        row = len(self.names)
        self.names.append((key, index))
        self.uniforms[row] = uniforms(self._settings.stream, key, index, self._settings.max_new_tokens)
        self.counts[row] = 0

    def draw_next(self, rows: list[int], batch: DecodingBatch) -> list[int]:
        """Draw one token for each of the rows; returns those that are now finished."""
        numbers = torch.tensor(rows, device=self.counts.device)
        logits = batch.logits[: batch.count] if len(rows) == batch.count else batch.logits[numbers]
        positions = self.counts[numbers]
        tokens, logprobs = draw(
            logits, self.uniforms[numbers, positions], temperature=self._settings.temperature
        )
        self.tokens[numbers, positions], self.logprobs[numbers, positions] = tokens, logprobs
        self.counts[numbers] += 1
        is_last = (tokens == self._settings.eos_id) | (positions + 1 == self._settings.max_new_tokens)
        finished: list[int] = numbers[is_last].tolist()
        return finished

    def newest(self) -> Tensor:
        """The last token of each row, (rows,)."""
        count = len(self.names)
        return self.tokens[:count].gather(1, self.counts[:count, None] - 1)[:, 0]

    def remove(self, row: int) -> SampledCompletion:
        """The completion of a row that is finished; the last row takes its place, as in the batch."""
        (key, index), count = self.names[row], int(self.counts[row])
        token_ids = tuple(self.tokens[row, :count].tolist())
        completion = SampledCompletion(
            key=key,
            index=index,
            token_ids=token_ids,
            logprobs=tuple(self.logprobs[row, :count].tolist()),
            finish_reason="stop" if token_ids[-1] == self._settings.eos_id else "length",
        )
        last = len(self.names) - 1
        self.names[row] = self.names[last]
        self.names.pop()
        for values in (self.uniforms, self.tokens, self.logprobs, self.counts):
            values[row] = values[last]
        return completion


@torch.no_grad()
def sample_completions(
    policy: Any,
    requests: Sequence[SamplingRequest],
    settings: SamplingSettings,
    check_stop: Callable[[], None] = lambda: None,
) -> Iterator[SampledCompletion]:
    """Yield every requested completion as soon as it is finished; rows start nearly in the order of the
    requests.

    Each prompt goes through the model once. `check_stop` is called before every decoding step. DataError when
    the policy is of a kind that cannot be decoded here.
    """
    longest = max((len(request.prompt_ids) for request in requests), default=0) + settings.max_new_tokens
    check_decoding(policy, longest=longest)
    prompts = _Prompts(policy, requests)
    batch = DecodingBatch(policy, capacity=settings.rows_in_flight)
    drawn = _Drawn(settings, policy.device)
    while True:
        check_stop()
        undrawn = list(range(batch.count))
        while True:  # a row that ends at once leaves room for another, which needs its first token too
            while batch.count < batch.capacity and (following := prompts.next_completion()):
                key, index, prompt = following
                drawn.start(key, index)
                undrawn.append(batch.add(prompt))
            if not undrawn:
                break
            finished = drawn.draw_next(undrawn, batch)
            for row in sorted(finished, reverse=True):
                yield drawn.remove(row)
                batch.remove(row)
            undrawn = []
            if not finished:
                break
        if not batch.count:
            return
        batch.advance(drawn.newest())
