"""A batch of rows that decode independently, each with its own length; a row can be replaced by another.

The rows of one prompt share its keys and values: they lie in memory once and are read once a step, for all of
its rows together. A row has keys and values of its own for its completion alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from training.engine.algorithms.masking import lengths_to_mask
from training.engine.errors import DataError
from training.engine.shared_prefix import causal_attention, is_windowed

NAME = "decoding"  # of `_attention` among transformers' own
SLOTS = 64  # room for tokens grows in steps of this
# How far logits may be from the model's own, as a share of their norm. In bfloat16 a model of 30 layers is as
# far as 0.03 from itself in float32.
TOLERANCE = {torch.float32: 0.02, torch.bfloat16: 0.15}


@dataclass(frozen=True)
class PrefilledPrompt:
    """A prompt that has been through the model once; all its completions start from here.

    key_values: per layer keys and values (heads, length, size). logits: (vocabulary,) for the first token of
    the completion.
    """

    prompt_ids: tuple[int, ...]
    key_values: tuple[tuple[Tensor, Tensor], ...]
    logits: Tensor


def prefill(policy: Any, prompts: Sequence[tuple[int, ...]]) -> list[PrefilledPrompt]:
    """Run prompts through the model together, one after the other in one row, each attending to itself."""
    prefilling = _Prefilling([len(prompt) for prompt in prompts])
    input_ids = torch.tensor([[token for prompt in prompts for token in prompt]])
    positions = torch.cat([torch.arange(len(prompt)) for prompt in prompts])[None]
    hidden = _hidden_states(policy, input_ids, positions, prefilling)[0]
    lasts = torch.tensor(prefilling.lengths).cumsum(0) - 1
    logits = policy.get_output_embeddings()(hidden[lasts.to(hidden.device)])
    return [
        PrefilledPrompt(prompt, tuple(prefilling.key_values[number]), logits[number])
        for number, prompt in enumerate(prompts)
    ]


def check_decoding(policy: Any, *, longest: int) -> None:
    """DataError when decoding here would not be what the model computes.

    Tried on a few tokens: a model that does not go through transformers' attention interface, or whose
    attention does more than attend (a bias by distance, a cap on scores, a recurrent state), gives other
    numbers. longest: tokens of the longest prompt and completion, which must fit into a sliding window.
    """
    kind = policy.config.model_type
    window = getattr(policy.config, "sliding_window", None)
    if is_windowed(policy.config) and window and longest > window:
        raise DataError(
            f"policy: {kind} attends to the last {window} tokens only, and prompts with completions have up "
            f"to {longest}; lower max_prompt_tokens or max_new_tokens"
        )
    input_ids = torch.tensor([[5, 6, 7, 8]], device=policy.device)
    expected = policy(input_ids=input_ids, use_cache=False).logits[0, -1]
    batch = DecodingBatch(policy, capacity=2)
    try:
        for prompt in prefill(policy, [(5, 6), (5, 6, 7)]):
            batch.add(prompt)
        for tokens in ((7, 8), (8, 9)):
            batch.advance(torch.tensor(tokens, device=policy.device))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise DataError(_unfit(kind)) from error
    difference = (batch.logits[0] - expected).float().norm() / expected.float().norm()
    if difference > TOLERANCE[expected.dtype]:
        raise DataError(_unfit(kind))


def _unfit(kind: str) -> str:
    return (
        f"policy: models of type {kind} cannot be decoded by the engine, because their attention is not "
        "transformers' standard one. Serve the model by vLLM and name the server in generator_url"
    )


class _Attends(Protocol):
    """Computes attention in place of the model, and keeps the keys and values."""

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """query: (rows, heads, tokens, size). key, value: (rows, key heads, tokens, size), of the same
        tokens. Returns (rows, tokens, heads, size)."""


class _Prefilling:
    """Prompts of these lengths, one after the other in one row."""

    def __init__(self, lengths: list[int]) -> None:
        self.lengths = lengths
        self.key_values: list[list[tuple[Tensor, Tensor]]] = [[] for _ in lengths]  # by prompt, by layer

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        parts = []
        of_prompts = zip(*(states.split(self.lengths, dim=2) for states in (query, key, value)), strict=True)
        for own, (q, k, v) in zip(self.key_values, of_prompts, strict=True):
            own.append((k[0], v[0]))
            parts.append(causal_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), scale))
        return torch.cat(parts, dim=1)


def _hidden_states(policy: Any, input_ids: Tensor, position_ids: Tensor, attending: _Attends) -> Tensor:
    """The last hidden state of each token, (rows, tokens, width), with attention computed by `attending`."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, _attention)
    config = policy.config
    usual, config._attn_implementation = config._attn_implementation, NAME
    try:
        output = policy.base_model(
            input_ids=input_ids.to(policy.device),
            position_ids=position_ids.to(policy.device),
            use_cache=False,
            attending=attending,
        )
    finally:
        config._attn_implementation = usual
    hidden: Tensor = output.last_hidden_state
    return hidden


def _attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    attending: _Attends,
    scaling: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """transformers' attention interface. ValueError for what `attend` does not do."""
    if wanted := [name for name in ("softcap", "s_aux", "position_bias") if others.get(name) is not None]:
        raise ValueError(f"attention with {', '.join(wanted)} is not computed here")
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return attending.attend(module.layer_idx, query, key, value, scale), None


class _KeyValues:
    """Keys and values (items, heads, slots, size) of one layer; room grows when it is needed."""

    def __init__(self, like: Tensor) -> None:
        """like: (heads, any, size)."""
        shape = (1, like.shape[0], SLOTS, like.shape[2])
        self.keys, self.values = like.new_zeros(shape), like.new_zeros(shape)

    def reserve(self, items: int, slots: int) -> None:
        """Have room for so many items and slots."""
        present = self.keys.shape
        if items > present[0] or slots > present[2]:
            shape = (
                max(items, 2 * present[0]) if items > present[0] else present[0],
                present[1],
                max(present[2], _room(slots)),
                present[3],
            )
            self.keys, self.values = (self._grown(old, shape) for old in (self.keys, self.values))

    @staticmethod
    def _grown(old: Tensor, shape: Sequence[int]) -> Tensor:
        # Zeros and not empty: a masked slot still enters the product with weight 0, and 0 * nan is nan.
        new = old.new_zeros(shape)
        new[: old.shape[0], :, : old.shape[2]] = old
        return new

    def move(self, source: int, target: int, slots: int) -> None:
        """Copy the first slots of an item over those of another."""
        for states in (self.keys, self.values):
            states[target, :, :slots] = states[source, :, :slots]


@dataclass(frozen=True)
class _Layout:
    """Which row belongs to which prompt, as tensors; made anew when rows come or go.

    members: (prompts, most rows of one) row numbers, filled up with any. numbers, prompts, places: (rows,):
    0, 1, 2, …, and where each row stands in members. prompt_lengths: (rows,). prompt_mask: see `_mask`.
    """

    members: Tensor
    numbers: Tensor
    prompts: Tensor
    places: Tensor
    prompt_lengths: Tensor
    prompt_mask: Tensor


class DecodingBatch:
    """The rows in flight. Rows 0..count-1 are in use; a freed row's place is taken by the last one."""

    def __init__(self, policy: Any, *, capacity: int) -> None:
        self._policy = policy
        self.capacity = capacity
        self.logits = torch.zeros(0)  # (capacity, vocabulary) of each row's next token
        self._prompts: list[tuple[int, ...]] = []
        self._prompt_of: list[int] = []  # the number of each row's prompt
        self._lengths = torch.zeros(capacity, dtype=torch.int64, device=policy.device)  # of the completions
        self._of_prompts: list[_KeyValues] = []  # a layer each, with an item for each prompt
        self._of_rows: list[_KeyValues] = []  # a layer each, with an item for each row
        self._layout: _Layout | None = None
        self._row_mask = torch.zeros(0)  # see `_mask`

    @property
    def count(self) -> int:
        """Rows in use."""
        return len(self._prompt_of)

    def add(self, prompt: PrefilledPrompt) -> int:
        """Start a row from a prefilled prompt and return its number."""
        if not self._of_rows:
            self.logits = prompt.logits.new_zeros(self.capacity, len(prompt.logits))
            self._of_prompts = [_KeyValues(keys) for keys, _ in prompt.key_values]
            self._of_rows = [_KeyValues(keys) for keys, _ in prompt.key_values]
        if prompt.prompt_ids not in self._prompts:
            self._add_prompt(prompt)
        row = self.count
        for layer in self._of_rows:
            layer.reserve(row + 1, 1)
        self._prompt_of.append(self._prompts.index(prompt.prompt_ids))
        self._lengths[row] = 0
        self.logits[row] = prompt.logits
        self._layout = None
        return row

    def _add_prompt(self, prompt: PrefilledPrompt) -> None:
        number, length = len(self._prompts), len(prompt.prompt_ids)
        for layer, (keys, values) in zip(self._of_prompts, prompt.key_values, strict=True):
            layer.reserve(number + 1, length)
            layer.keys[number, :, :length] = keys
            layer.values[number, :, :length] = values
        self._prompts.append(prompt.prompt_ids)

    def remove(self, row: int) -> None:
        """Free a row, and its prompt with the last row of it."""
        prompt, last = self._prompt_of[row], self.count - 1
        if row != last:
            for layer in self._of_rows:
                layer.move(last, row, int(self._lengths[last]))
            self._lengths[row] = self._lengths[last]
            self.logits[row] = self.logits[last]
            self._prompt_of[row] = self._prompt_of[last]
        self._prompt_of.pop()
        if prompt not in self._prompt_of:
            self._remove_prompt(prompt)
        self._layout = None

    def _remove_prompt(self, number: int) -> None:
        last = len(self._prompts) - 1
        if number != last:
            for layer in self._of_prompts:
                layer.move(last, number, len(self._prompts[last]))
            self._prompts[number] = self._prompts[last]
            self._prompt_of = [number if prompt == last else prompt for prompt in self._prompt_of]
        self._prompts.pop()

    def advance(self, tokens: Tensor) -> None:
        """Append tokens (count,) to the rows and compute the logits of the next ones."""
        layout = self._layout = self._layout or self._new_layout()
        lengths = self._lengths[: self.count]
        longest = int(lengths.max()) + 1
        for layer in self._of_rows:
            layer.reserve(self.count, longest)
        self._row_mask = _mask(lengths + 1, longest, self._of_rows[0].keys)
        positions = (layout.prompt_lengths + lengths)[:, None]
        hidden = _hidden_states(self._policy, tokens[:, None], positions, self)
        self.logits[: self.count] = self._policy.get_output_embeddings()(hidden[:, 0])
        lengths += 1

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """Attention of each row's newest token to its prompt, its completion and itself, in one layer.

        query: (rows, heads, 1, size). key, value: (rows, key heads, 1, size), kept. (rows, 1, heads, size).
        """
        layout = self._layout
        assert layout is not None
        rows, heads, _, size = query.shape
        own, shared = self._of_rows[layer], self._of_prompts[layer]
        slots = (layout.numbers, slice(None), self._lengths[:rows])
        own.keys[slots], own.values[slots] = key[:, :, 0], value[:, :, 0]
        q = query.view(rows, key.shape[1], -1, size)  # heads that share a key head stand together
        to_own = _attend(q, own.keys[:rows], own.values[:rows], self._row_mask, scale)
        # The rows of a prompt as further queries to the same keys: (prompts, key heads, queries, size).
        prompts, most = layout.members.shape
        together = q[layout.members].transpose(1, 2).flatten(2, 3)
        found = _attend(together, shared.keys[:prompts], shared.values[:prompts], layout.prompt_mask, scale)
        by_row = (part.unflatten(2, (most, -1))[layout.prompts, :, layout.places] for part in found)
        return _joined(to_own, _Attended(*by_row)).to(query.dtype).view(rows, 1, heads, size)

    def _new_layout(self) -> _Layout:
        rows_of: list[list[int]] = [[] for _ in self._prompts]
        for row, prompt in enumerate(self._prompt_of):
            rows_of[prompt].append(row)
        most = max(map(len, rows_of))
        members = torch.tensor([rows + rows[:1] * (most - len(rows)) for rows in rows_of])
        places = [rows_of[prompt].index(row) for row, prompt in enumerate(self._prompt_of)]
        device = self._lengths.device
        lengths = torch.tensor([len(prompt) for prompt in self._prompts], device=device)
        return _Layout(
            members=members.to(device),
            numbers=torch.arange(self.count, device=device),
            prompts=torch.tensor(self._prompt_of, device=device),
            places=torch.tensor(places, device=device),
            prompt_lengths=lengths[self._prompt_of],
            prompt_mask=_mask(lengths, int(lengths.max()), self._of_prompts[0].keys),
        )


def _room(tokens: int) -> int:
    """Slots for so many tokens: whole blocks, because products of whole tensors are the fastest."""
    return -(-tokens // SLOTS) * SLOTS


def _mask(lengths: Tensor, longest: int, keys: Tensor) -> Tensor:
    """For `keys` (items, heads, slots, size) as they are multiplied: (items * heads, 1, room for the
    longest), 0 on the first lengths[i] slots of item i and -inf on the others."""
    is_real = lengths_to_mask(lengths, _room(longest)).repeat_interleave(keys.shape[1], 0)[:, None]
    return torch.zeros(is_real.shape, dtype=keys.dtype, device=keys.device).masked_fill(
        ~is_real, float("-inf")
    )


class _Attended(NamedTuple):
    """Attention to a part of what a query sees: what it finds there, (items, heads, queries, size), and the
    logarithm of the sum of exp(score), (items, heads, queries, 1); float32."""

    values: Tensor
    log_total: Tensor


def _attend(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor, scale: float) -> _Attended:
    """query: (items, heads, queries, size). keys, values: (items, heads, slots, size). mask: see `_mask`."""
    items, heads, queries, _ = query.shape
    k, v = (states.flatten(0, 1)[:, : mask.shape[2]] for states in (keys, values))
    scores = torch.baddbmm(mask, query.flatten(0, 1), k.transpose(1, 2), alpha=scale)
    weights = torch.softmax(scores, -1, dtype=torch.float32)
    # The highest weight is exp(0) / total; so the total comes without a second pass of exponentials.
    log_total = scores.amax(-1, keepdim=True).float() - weights.amax(-1, keepdim=True).log()
    found = torch.bmm(weights.to(v.dtype), v).float(), log_total
    return _Attended(*(part.view(items, heads, queries, -1) for part in found))


def _joined(one: _Attended, other: _Attended) -> Tensor:
    """One softmax over both parts (Milakov & Gimelshein 2018, arXiv 1805.02867), (items, heads, queries,
    size)."""
    share = torch.sigmoid(one.log_total - other.log_total)
    return share * one.values + (1 - share) * other.values
