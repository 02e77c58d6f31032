"""Log-probabilities of given tokens, and divergences between two policies on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from training.engine.algorithms.products import product

LOGITS_AT_ONCE = 2**23  # numbers: 32 MiB in float32, 170 tokens of a vocabulary of 49,152


def token_logprobs(logits: Tensor, tokens: Tensor, *, temperature: float) -> Tensor:
    """log p(token) under softmax(logits / temperature), in float32.

    logits: (..., vocabulary), any float dtype. tokens: (...) int64. Returns (...) float32.
    The same temperature must be used while sampling, for the old and for the new log-probabilities: a ratio
    between two temperatures is not an importance ratio (trl#615).
    """
    scaled = logits.float() / temperature
    chosen = scaled.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    return chosen - torch.logsumexp(scaled, dim=-1)


def projected_logprobs(hidden: Tensor, weight: Tensor, tokens: Tensor, *, temperature: float) -> Tensor:
    """`token_logprobs(hidden @ weight.T, tokens)` without ever holding all logits.

    hidden: (n, width). weight: (vocabulary, width). tokens: (n,) int64. Returns (n,) float32. The logits live
    for a few hundred tokens at a time; where the weight is trained, the backward pass computes them again.
    Under autocast the products are in its format, as a Linear's would be.
    """
    device = hidden.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        hidden, weight = hidden.to(dtype), weight.to(dtype)
    logprobs: Tensor = _ProjectedLogprobs.apply(hidden, weight, tokens, temperature)
    return logprobs


class _ProjectedLogprobs(torch.autograd.Function):
    """With z = h W^T / T and p = softmax(z): d log p(token) / dz = onehot(token) - p.

    So d log p / dh = (onehot - p) W / T is known in the forward pass already, up to the factor that comes
    from above; only the gradient of W needs p again.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, tokens: Tensor, temperature: float) -> Tensor:
        logprobs = torch.empty(len(tokens), dtype=torch.float32, device=hidden.device)
        slopes = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for rows in _chunks(len(tokens), len(weight)):
            found = _log_softmax(hidden[rows], weight, temperature)
            logprobs[rows] = found.gather(-1, tokens[rows].unsqueeze(-1)).squeeze(-1)
            if slopes is not None:
                surplus = _minus_onehot(found.exp_(), tokens[rows])
                slopes[rows] = product(surplus.to(weight.dtype), weight.T).div_(-temperature)
        ctx.temperature = temperature
        ctx.save_for_backward(hidden, weight, tokens, slopes)
        return logprobs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        hidden, weight, tokens, slopes = ctx.saved_tensors
        of_logprobs = gradients[0].unsqueeze(-1)
        of_hidden = (slopes * of_logprobs).to(hidden.dtype) if slopes is not None else None
        of_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        if of_weight is not None:
            for rows in _chunks(len(tokens), len(weight)):
                found = _log_softmax(hidden[rows], weight, ctx.temperature)
                surplus = _minus_onehot(found.exp_(), tokens[rows]).mul_(of_logprobs[rows] / -ctx.temperature)
                of_weight += product(surplus.to(weight.dtype).T, hidden[rows].T)
        return of_hidden, of_weight, None, None


def _log_softmax(hidden: Tensor, weight: Tensor, temperature: float) -> Tensor:
    return torch.log_softmax(product(hidden, weight).float().div_(temperature), dim=-1)


def _minus_onehot(probabilities: Tensor, tokens: Tensor) -> Tensor:
    return probabilities.scatter_add_(-1, tokens.unsqueeze(-1), -torch.ones_like(probabilities[:, :1]))


def _chunks(rows: int, vocabulary: int) -> Iterator[slice]:
    size = max(1, LOGITS_AT_ONCE // vocabulary)
    return (slice(start, start + size) for start in range(0, rows, size))


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
