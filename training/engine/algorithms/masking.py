"""Masked reductions. A mask is True on what counts; values elsewhere never influence a result."""

from __future__ import annotations

import torch
from torch import Tensor


def masked_sum(values: Tensor, mask: Tensor) -> Tensor:
    """Sum of `values` where `mask` is True; scalar. `where` and not `*`, so that nan or inf in padding is
    inert."""
    return torch.where(mask, values, torch.zeros_like(values)).sum()


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` where `mask` is True; scalar, zero for an empty mask."""
    return masked_sum(values, mask) / mask.sum().clamp(min=1)


def masked_variance(values: Tensor, mask: Tensor) -> Tensor:
    """Population variance (divisor n) of `values` where `mask` is True; scalar."""
    return masked_mean((values - masked_mean(values, mask)) ** 2, mask)


def lengths_to_mask(lengths: Tensor, time: int) -> Tensor:
    """(batch,) lengths to a (batch, time) bool mask, True on the first `lengths[i]` positions of row i.

    Masks come from lengths and never from token ids: a pad id may be a real token somewhere.
    """
    return torch.arange(time, device=lengths.device)[None, :] < lengths[:, None]
