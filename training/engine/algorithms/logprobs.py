"""Log-probabilities of given tokens, and divergences between two policies on them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from training.engine.algorithms.products import product

LOGITS_AT_ONCE = 2**25  # numbers: 128 MiB in float32, 682 tokens of a vocabulary of 49,152


def token_logprobs(logits: Tensor, tokens: Tensor, *, temperature: float) -> Tensor:
    """log p(token) under softmax(logits / temperature), in float32.

    logits: (..., vocabulary), any float dtype. tokens: (...) int64. Returns (...) float32.
    The same temperature must be used while sampling, for the old and for the new log-probabilities: a ratio
    between two temperatures is not an importance ratio (trl#615).
    """
    scaled = logits.float() / temperature
    return torch.log_softmax(scaled, dim=-1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


def projected_logprobs(hidden: Tensor, weight: Tensor, tokens: Tensor, *, temperature: float) -> Tensor:
    """`token_logprobs(hidden @ weight.T, tokens)` without ever holding all logits.

    hidden: (n, width). weight: (vocabulary, width). tokens: (n,) int64. Returns (n,) float32. The logits live
    for LOGITS_AT_ONCE numbers at a time. Where the weight is trained, the backward pass computes them again,
    unless there is one piece only, which is kept.
    Under autocast the products are in its format, as a Linear's would be.
    """
    device = hidden.device.type
    hidden = hidden / temperature
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        hidden, weight = hidden.to(dtype), weight.to(dtype)
    logprobs: Tensor = _ProjectedLogprobs.apply(hidden, weight, tokens)
    return logprobs


class _ProjectedLogprobs(torch.autograd.Function):
    """With z = h W^T and p = softmax(z): d log p(token) / dz = onehot(token) - p.

    So d log p / dh = (onehot - p) W is known in the forward pass already, up to the factor that comes
    from above; only the gradient of W needs p again.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, tokens: Tensor) -> Tensor:
        logprobs = torch.empty(len(tokens), dtype=torch.float32, device=hidden.device)
        slopes = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        pieces, surplus = _pieces(len(tokens), len(weight)), None
        for rows in pieces:
            logits = product(hidden[rows], weight).float()
            probabilities = torch.softmax(logits, dim=-1)
            logprobs[rows] = _chosen_logprobs(logits, probabilities, tokens[rows])
            if slopes is not None:
                surplus = _minus_onehot(probabilities, tokens[rows]).to(weight.dtype)
                slopes[rows] = product(surplus, weight.T).neg_()
        is_kept = len(pieces) == 1 and ctx.needs_input_grad[1]
        ctx.save_for_backward(hidden, weight, tokens, slopes, surplus if is_kept else None)
        return logprobs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        hidden, weight, tokens, slopes, surplus = ctx.saved_tensors
        factors = gradients[0].unsqueeze(-1)
        of_hidden = (slopes * factors).to(slopes.dtype) if slopes is not None else None
        if not ctx.needs_input_grad[1]:
            return of_hidden, None, None
        scaled = (hidden * -factors).to(hidden.dtype)
        if surplus is not None:
            return of_hidden, product(surplus.T, scaled.T), None
        of_weight = torch.zeros_like(weight)
        for rows in _pieces(len(tokens), len(weight)):
            probabilities = torch.softmax(product(hidden[rows], weight).float(), dim=-1)
            surplus = _minus_onehot(probabilities, tokens[rows]).to(weight.dtype)
            of_weight += product(surplus.T, scaled[rows].T)
        return of_hidden, of_weight, None


def _chosen_logprobs(logits: Tensor, probabilities: Tensor, tokens: Tensor) -> Tensor:
    """log p of the tokens. From p where it is a normal number, which saves a pass over the vocabulary; from
    the logits where it is too small for that."""
    chosen = probabilities.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    logprobs = chosen.log()
    rare = chosen < 1e-30
    if rare.any():
        logprobs[rare] = token_logprobs(logits[rare], tokens[rare], temperature=1.0)
    return logprobs


def _minus_onehot(probabilities: Tensor, tokens: Tensor) -> Tensor:
    return probabilities.scatter_add_(-1, tokens.unsqueeze(-1), -torch.ones_like(probabilities[:, :1]))


def _pieces(rows: int, vocabulary: int) -> list[slice]:
    size = max(1, LOGITS_AT_ONCE // vocabulary)
    return [slice(start, start + size) for start in range(0, rows, size)]


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
