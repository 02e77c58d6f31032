"""Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174): less memory for one forward pass more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint


def recompute_layers(transformer: Any) -> None:
    """Keep only the input of each layer for the backward pass, which computes the layer once more.

    Where no gradient is wanted, nothing changes: decoding goes through the same layers with a cache. Not
    transformers' own switch: it acts in train mode only, and there it drops the cache without a word.
    """
    for layer in transformer.layers:
        layer.forward = partial(_recomputed, layer.forward)


def _recomputed(forward: Callable[..., Any], *inputs: Any, **settings: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*inputs, **settings)
    # Nothing in a layer is random (dropout is off), so the random state need not be kept.
    return checkpoint(forward, *inputs, use_reentrant=False, preserve_rng_state=False, **settings)
