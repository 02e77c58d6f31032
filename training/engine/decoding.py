"""A batch of rows that decode independently: each row has its own length, and can be replaced by another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache
from transformers.cache_utils import CacheLayerMixin

KeyValues = list[tuple[Tensor, Tensor]]  # per layer (heads, time, width) keys and values of one prompt


@dataclass(frozen=True)
class PrefilledPrompt:
    """A prompt that has been through the model once; all its completions start from here.

    logits: (vocabulary,) for the first token of the completion.
    """

    length: int
    key_values: KeyValues
    logits: Tensor


def prefill(policy: Any, prompts: list[tuple[int, ...]], *, pad_id: int) -> list[PrefilledPrompt]:
    """Run prompts through the model together, right-padded: causal attention keeps the padding out of
    sight."""
    lengths = [len(prompt) for prompt in prompts]
    input_ids = torch.full((len(prompts), max(lengths)), pad_id, dtype=torch.int64, device=policy.device)
    for row, prompt in enumerate(prompts):
        input_ids[row, : len(prompt)] = torch.tensor(prompt)
    cache: Any = DynamicCache()
    hidden = policy.base_model(input_ids=input_ids, past_key_values=cache, use_cache=True).last_hidden_state
    last = hidden[torch.arange(len(prompts)), torch.tensor(lengths) - 1]
    logits = policy.get_output_embeddings()(last)
    return [
        PrefilledPrompt(
            length=length,
            key_values=[
                (layer.keys[row, :, :length].clone(), layer.values[row, :, :length].clone())
                for layer in cache.layers
            ],
            logits=logits[row],
        )
        for row, length in enumerate(lengths)
    ]


class _Rows:
    """What the layers of a DecodingBatch share: how many rows are in use and how long each is."""

    def __init__(self, capacity: int, device: torch.device) -> None:
        self.count = 0
        self.numbers = torch.arange(capacity, device=device)
        self.lengths = torch.zeros(capacity, dtype=torch.int64, device=device)


class _RowLayer(CacheLayerMixin):
    """Keys and values (rows, heads, slots, width) of one layer; row i writes its next token at slot
    lengths[i]."""

    is_sliding = False
    keys: Tensor
    values: Tensor

    def __init__(self, rows: _Rows) -> None:
        super().__init__()
        self.rows = rows

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        heads, _, width = key_states.shape[-3:]
        shape = (len(self.rows.numbers), heads, 64, width)
        # Zeros and not empty: a masked slot still enters the product with weight 0, and 0 * nan is nan.
        self.keys, self.values = key_states.new_zeros(shape), value_states.new_zeros(shape)
        self.is_initialized = True

    def reserve(self, slots: int) -> None:
        """Make room for `slots` tokens a row, in steps of 64."""
        missing = slots - self.keys.shape[2]
        if missing > 0:
            extra = (*self.keys.shape[:2], -(-missing // 64) * 64, self.keys.shape[3])
            self.keys = torch.cat([self.keys, self.keys.new_zeros(extra)], dim=2)
            self.values = torch.cat([self.values, self.values.new_zeros(extra)], dim=2)

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        count = self.rows.count
        rows, slots = self.rows.numbers[:count], self.rows.lengths[:count]
        self.keys[rows, :, slots] = key_states[:, :, 0]
        self.values[rows, :, slots] = value_states[:, :, 0]
        visible = int(slots.max()) + 1
        return self.keys[:count, :, :visible], self.values[:count, :, :visible]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_seq_length(self) -> int:
        return int(self.rows.lengths.max())

    def get_max_length(self) -> int:
        return -1


class DecodingBatch:
    """The rows in flight. Rows 0..count-1 are in use; a freed row's place is taken by the last one."""

    def __init__(self, policy: Any, *, capacity: int) -> None:
        self._policy = policy
        self._rows = _Rows(capacity, policy.device)
        self._layers = [_RowLayer(self._rows) for _ in range(policy.config.num_hidden_layers)]
        self._cache = Cache(layers=list(self._layers))
        self.capacity = capacity
        self.logits: Tensor | None = None  # (capacity, vocabulary) of each row's next token

    @property
    def count(self) -> int:
        """Rows in use."""
        return self._rows.count

    def add(self, prompt: PrefilledPrompt) -> int:
        """Start a row from a prefilled prompt and return its number."""
        row = self._rows.count
        self._rows.count += 1
        if self.logits is None:
            self.logits = prompt.logits.new_zeros(self.capacity, len(prompt.logits))
        for layer, (keys, values) in zip(self._layers, prompt.key_values, strict=True):
            if not layer.is_initialized:
                layer.lazy_initialization(keys, values)
            layer.reserve(prompt.length + 1)
            layer.keys[row, :, : prompt.length] = keys
            layer.values[row, :, : prompt.length] = values
        self._rows.lengths[row] = prompt.length
        self.logits[row] = prompt.logits
        return row

    def remove(self, row: int) -> None:
        """Free a row by moving the last one into its place."""
        assert self.logits is not None
        last = self._rows.count - 1
        if row != last:
            length = int(self._rows.lengths[last])
            for layer in self._layers:
                layer.keys[row, :, :length] = layer.keys[last, :, :length]
                layer.values[row, :, :length] = layer.values[last, :, :length]
            self._rows.lengths[row] = self._rows.lengths[last]
            self.logits[row] = self.logits[last]
        self._rows.lengths[last] = 0
        self._rows.count = last

    def advance(self, tokens: Tensor) -> None:
        """Append tokens (count,) to the rows and compute the logits of the next ones."""
        assert self.logits is not None
        count = self._rows.count
        lengths = self._rows.lengths[:count]
        visible = int(lengths.max()) + 1
        for layer in self._layers:
            layer.reserve(visible)
        sees = (self._rows.numbers.new_tensor(range(visible))[None, :] <= lengths[:, None])[:, None, None, :]
        hidden = self._policy.base_model(
            input_ids=tokens[:, None],
            attention_mask=sees,
            position_ids=lengths[:, None].clone(),
            past_key_values=self._cache,
            use_cache=True,
        ).last_hidden_state
        self.logits[:count] = self._policy.get_output_embeddings()(hidden[:, 0])
        self._rows.lengths[:count] += 1
