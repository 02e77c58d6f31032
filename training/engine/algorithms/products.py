"""Matrix products in float32 on a CPU, by oneDNN where torch would use MKL: the same numbers, sooner."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


def product(inputs: Tensor, weight: Tensor) -> Tensor:
    """inputs (..., n) @ weight (m, n) transposed, (..., m).

    torch takes float32 products on a CPU from MKL, which leaves AMD's AVX-512 unused: 190 to 210 GFLOP/s a
    core by oneDNN against 65 to 95 (Zen 5); on Intel the two are alike. Rounding differs as between any two
    libraries. Gradients flow through `linear_product` only.
    """
    if is_onednn_product(inputs, weight):
        return torch.ops.mkldnn._linear_pointwise(inputs, weight, None, "none", [], "")
    return linear(inputs, weight)


def is_onednn_product(inputs: Tensor, weight: Tensor) -> bool:
    """Whether `product` has something to gain: both float32, on a CPU with oneDNN, and not under autocast."""
    return (
        inputs.numel() > 0
        and inputs.dtype == weight.dtype == torch.float32
        and inputs.device.type == weight.device.type == "cpu"
        and _has_onednn()
        and not torch.is_autocast_enabled("cpu")
    )


@cache
def _has_onednn() -> bool:
    """The operation is torch's own, not part of its public interface: another version may be without it."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


class _LinearProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        return product(inputs, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (gradient,) = gradients
        inputs, weight = ctx.saved_tensors
        of_inputs = product(gradient, weight.T) if ctx.needs_input_grad[0] else None
        of_weight = (
            product(gradient.flatten(0, -2).T, inputs.flatten(0, -2).T) if ctx.needs_input_grad[1] else None
        )
        return of_inputs, of_weight


class Float32Linear(nn.Linear):
    """nn.Linear by `product`; anything but float32 on a CPU goes the usual way."""

    def forward(self, input: Tensor) -> Tensor:
        if not is_onednn_product(input, self.weight):
            return super().forward(input)
        result: Tensor = _LinearProduct.apply(input, self.weight)
        return result if self.bias is None else result + self.bias


def use_onednn(model: nn.Module) -> None:
    """Have every nn.Linear of a model multiply by `product`; parameters and names stay as they are."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = Float32Linear
