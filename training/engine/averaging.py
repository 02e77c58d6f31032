"""Averaged weights of a policy (Ouyang et al. 2022, C.4), evaluated and saved in the place of the last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from training.engine.modeling import refresh, trainable_state


class AveragedWeights:
    """average = decay * average + (1 - decay) * weights at each `update`; begins as the weights are.

    Once per PPO step, so that `decay` means the same whatever the number of minibatches. Without a decay
    nothing is averaged and the weights are their own average.
    """

    def __init__(self, policy: Any, sampler: Any, *, decay: float | None) -> None:
        self._policy = policy
        self._sampler = sampler
        self._decay = decay
        self.average: dict[str, Tensor] = trainable_state(policy) if decay is not None else {}

    def update(self) -> None:
        """Take the policy's weights in."""
        if self._decay is None:
            return
        for average, weight in self._pairs():
            average.lerp_(weight.detach(), 1 - self._decay)

    def restore(self, average: Mapping[str, Tensor]) -> None:
        """Go back to an average that a checkpoint kept."""
        for name, value in average.items():
            self.average[name].copy_(value)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Have the policy and its sampler hold the average within the block, and their own weights after."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for average, weight in self._pairs():
            kept = weight.clone()
            weight.copy_(average)
            average.copy_(kept)
        if self.average:
            refresh(self._sampler, self._policy)

    def _pairs(self) -> list[tuple[Tensor, Tensor]]:
        weights = dict(self._policy.named_parameters())
        return [(average, weights[name]) for name, average in self.average.items()]
