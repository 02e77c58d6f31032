"""Log-probabilities of given tokens, and divergences between two policies on them."""

from __future__ import annotations

import torch
from torch import Tensor


def token_logprobs(logits: Tensor, tokens: Tensor, *, temperature: float) -> Tensor:
    """log p(token) under softmax(logits / temperature), in float32.

    logits: (..., vocabulary), any float dtype. tokens: (...) int64. Returns (...) float32.
    The same temperature must be used while sampling, for the old and for the new log-probabilities: a ratio
    between two temperatures is not an importance ratio (trl#615). logsumexp and gather, because a whole
    log_softmax would keep a second (..., vocabulary) tensor for the backward pass.
    """
    scaled = logits.float() / temperature
    chosen = scaled.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    return chosen - torch.logsumexp(scaled, dim=-1)


def kl_k1(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """Per-token estimate log p - log p_ref of KL(p || p_ref) under p; unbiased, can be negative (Schulman,
    k1)."""
    return logprobs - ref_logprobs


def kl_k3(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """Per-token estimate exp(d) - 1 - d, d = log p_ref - log p, of KL(p || p_ref) under p; never negative.

    The sign of d matters: with d = log p - log p_ref the same formula estimates another divergence.
    """
    difference = ref_logprobs - logprobs
    return torch.expm1(difference) - difference
