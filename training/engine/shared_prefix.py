"""Rows without padding, in which a prompt goes through the model once for all of its completions.

The tokens of many groups stand in one row: a prompt, its completions, the next prompt, … Linear layers and
norms see real tokens only. Positions restart after the prompt for each completion, and attention follows the
layout: a prompt attends to itself, a completion to its prompt and to itself. Loss and gradients are those of
one row per completion; the work is that of P + ΣC tokens instead of K (P + max C).

A sequence alone is a group without completions, so that packed texts (block-diagonal attention) are a case
of the same. Models that do not go through transformers' attention interface cannot do this: see `enable`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

NAME = "shared_prefix"

# Scores of one group and layer that are computed by plain matrix products, in numbers; beyond it the fused
# kernel, which holds none of them. On CPUs the plain way is up to 5 times as fast in bfloat16.
MOST_PLAIN_SCORES = 2**23


@dataclass(frozen=True, slots=True)
class Group:
    """A prefix and the completions that follow it, each on its own; len() is the number of tokens."""

    prefix_ids: tuple[int, ...]
    completions: tuple[tuple[int, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.prefix_ids) + sum(len(completion) for completion in self.completions)


@dataclass(frozen=True, slots=True)
class Span:
    """How a group lies in the row: its prefix, then its completions one after the other.

    Attention takes the completions as a table, (completions, longest). slots (completions, longest) int64:
    which of the completions' tokens stands where in it; beyond a completion's end, its last token again.
    places (tokens of completions,) int64: where in the flattened table each token stands.
    """

    prefix_length: int
    slots: Tensor
    places: Tensor


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """input_ids, position_ids: (1, tokens) int64. ends: (completions of all groups,) int64, the place in the
    row of each completion's last token."""

    input_ids: Tensor
    position_ids: Tensor
    ends: Tensor
    spans: tuple[Span, ...]

    def to(self, device: torch.device) -> PackedBatch:
        """The same batch on another device."""
        spans = tuple(
            replace(span, slots=span.slots.to(device), places=span.places.to(device)) for span in self.spans
        )
        return PackedBatch(
            self.input_ids.to(device), self.position_ids.to(device), self.ends.to(device), spans
        )

    def arguments(self) -> dict[str, Any]:
        """What a transformer that is `enable`d needs besides the input_ids to compute the row."""
        never_read = self.input_ids.new_zeros(1, 1, 1, 1)  # given a mask, transformers builds none
        return {"position_ids": self.position_ids, "attention_mask": never_read, "layout": self.spans}


def pack(groups: Sequence[Group]) -> PackedBatch:
    """Lay groups out in one row, in their order."""
    ids: list[int] = []
    positions: list[int] = []
    ends: list[int] = []
    spans = []
    for group in groups:
        prefix_length = len(group.prefix_ids)
        ids += group.prefix_ids
        positions += range(prefix_length)
        for completion in group.completions:
            ids += completion
            positions += range(prefix_length, prefix_length + len(completion))
            ends.append(len(ids) - 1)
        spans.append(_span(prefix_length, [len(completion) for completion in group.completions]))
    return PackedBatch(torch.tensor([ids]), torch.tensor([positions]), torch.tensor(ends), tuple(spans))


def _span(prefix_length: int, completion_lengths: Sequence[int]) -> Span:
    lengths = torch.tensor(completion_lengths, dtype=torch.int64)[:, None]
    offsets = torch.arange(max(completion_lengths, default=0))[None, :]
    slots = lengths.cumsum(0) - lengths + offsets.minimum(lengths - 1)
    return Span(prefix_length, slots, (offsets < lengths).flatten().nonzero()[:, 0])


def enable(backbone: Any) -> bool:
    """Make a transformer able to compute packed rows; False, and unchanged, when its kind cannot.

    Whether it can is tried on a few tokens: a model whose attention ignores the layout, or does more than
    attend (a bias by distance, a recurrent state), would not give the same states.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    if not backbone._supports_attention_backend or is_windowed(backbone.config):
        return False
    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    before = backbone.config._attn_implementation
    backbone.set_attn_implementation(NAME)
    if _gives_the_same_states(backbone):
        return True
    backbone.set_attn_implementation(before)
    return False


def is_windowed(config: Any) -> bool:
    kinds = getattr(config, "layer_types", None) or ["full_attention"]
    has_window = getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)
    return bool(has_window) or set(kinds) != {"full_attention"}


@torch.no_grad()
def _gives_the_same_states(backbone: Any) -> bool:
    def states(input_ids: Tensor, **packing: Any) -> Tensor:
        hidden: Tensor = backbone(input_ids=input_ids, use_cache=False, **packing).last_hidden_state[0]
        return hidden

    batch = pack([Group((5, 6, 7), ((8, 9), (10, 11, 12))), Group((13, 14))]).to(backbone.device)
    packed = states(batch.input_ids, **batch.arguments())
    first, second, third = (
        states(torch.tensor([row], device=backbone.device))
        for row in [(5, 6, 7, 8, 9), (5, 6, 7, 10, 11, 12), (13, 14)]
    )
    expected = torch.cat([first, second[3:], third])
    return bool((packed - expected).norm() <= 1e-2 * expected.norm())


def attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    layout: tuple[Span, ...] | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """transformers' attention interface: query (1, heads, tokens, size), key and value (1, key heads, tokens,
    size) to (1, tokens, heads, size). Without a layout it is transformers' usual one."""
    if layout is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **others)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    sizes = [size for span in layout for size in (span.prefix_length, len(span.places))]
    # Under autocast, rotated queries and keys come in float32 and would be multiplied as value's kind anyway.
    rows = (states[0].transpose(0, 1).to(value.dtype) for states in (query, key, value))
    parts = zip(*(states.split(sizes) for states in rows), strict=True)
    attended = []
    for span in layout:
        prefix_query, prefix_key, prefix_value = next(parts)
        attended.append(causal_attention(prefix_query[None], prefix_key[None], prefix_value[None], scale)[0])
        own_query, own_key, own_value = next(parts)
        if len(span.slots):
            own = causal_attention(
                _table(own_query, span),
                torch.cat([prefix_key.expand(len(span.slots), -1, -1, -1), _table(own_key, span)], dim=1),
                torch.cat([prefix_value.expand(len(span.slots), -1, -1, -1), _table(own_value, span)], dim=1),
                scale,
            )
            attended.append(own.flatten(0, 1).index_select(0, span.places))
    return torch.cat(attended)[None], None


def _table(states: Tensor, span: Span) -> Tensor:
    """(tokens of completions, heads, size) to (completions, longest, heads, size)."""
    return states.index_select(0, span.slots.flatten()).unflatten(0, span.slots.shape)


def causal_attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """The last positions of some sequences attend to all up to themselves.

    query: (batch, time, heads, size). key, value: (batch, past + time, key heads, size). Heads that share a
    key head are taken together as more queries, so that no key is copied. (batch, time, heads, size).
    """
    batch, time, heads, size = query.shape
    total, key_heads = key.shape[1:3]
    shared = heads // key_heads
    q = query.view(batch, time, key_heads, shared, size).permute(0, 2, 3, 1, 4)
    q = q.reshape(batch * key_heads, shared * time, size)
    k, v = (states.transpose(1, 2).reshape(batch * key_heads, total, size) for states in (key, value))
    mask = _causal_mask(time, total, shared, q.dtype, q.device)
    if q.device.type == "cpu" and len(q) * shared * time * total <= MOST_PLAIN_SCORES:
        scores = torch.baddbmm(mask, q, k.transpose(1, 2), alpha=scale)
        attended = torch.bmm(torch.softmax(scores, -1), v)
    else:
        attended = scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
    return attended.view(batch, key_heads, shared, time, size).permute(0, 3, 1, 2, 4).flatten(2, 3)


@lru_cache(maxsize=64)  # every layer asks for the same ones
def _causal_mask(time: int, total: int, shared: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(shared × time, total): 0 on what a position sees, -inf on what comes after it."""
    unseen = torch.ones(time, total, dtype=torch.bool, device=device).triu(total - time + 1)
    return torch.zeros_like(unseen, dtype=dtype).masked_fill(unseen, float("-inf")).repeat(shared, 1)
