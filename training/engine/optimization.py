"""A model and its optimizer, stepped, saved and restored together; and the best state seen so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from training.engine.distributed import ALONE, Microbatch, Processes
from training.engine.errors import TrainingFailed
from training.engine.modeling import load_trainable_state, trainable_state
from training.engine.sharding import parallel, whole


class Learner:
    """The trained parameters of a model under Adam (betas 0.9, 0.95: Ouyang 2022, C.1; eps 1e-5: Huang
    2024).

    `model` is what training calls: with several processes, the model made so that they share gradients.
    """

    def __init__(
        self,
        model: Any,
        *,
        learning_rate: float,
        max_grad_norm: float,
        processes: Processes = ALONE,
    ) -> None:
        self._module = model
        self.model: Any = parallel(model, processes)
        self.processes = processes
        self.learning_rate = learning_rate
        self.max_grad_norm = max_grad_norm
        self.parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.Adam(
            self.parameters, lr=learning_rate, betas=(0.9, 0.95), eps=1e-5, fused=True
        )

    def backward(self, loss: Tensor, microbatch: Microbatch) -> None:
        """Add a micro-batch's share of the gradient of the global loss.

        `loss` is divided by counts of the GLOBAL batch, so gradients must be summed over the processes; torch
        averages them, so each is multiplied by their number first.
        """
        (loss * (self.processes.world_size if microbatch.counts else 0)).backward()

    def gradient_norm(self) -> float:
        """The norm of the gradients that are there, over all processes."""
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        return float(whole(torch.nn.utils.get_total_norm(gradients)))

    def take_gradients(self) -> list[Tensor | None]:
        """The gradients that are there, which are gone from the parameters then."""
        gradients = [parameter.grad for parameter in self.parameters]
        self.optimizer.zero_grad(set_to_none=True)
        return gradients

    def add_gradients(self, gradients: Sequence[Tensor | None]) -> None:
        """Add what `take_gradients` took to the gradients that are there."""
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            if gradient is not None:
                parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)

    def step(self, *, learning_rate_factor: float) -> float:
        """Clip, step, clear the gradients; returns the norm before clipping. TrainingFailed when it is not
        finite."""
        norm = float(whole(torch.nn.utils.clip_grad_norm_(self.parameters, self.max_grad_norm)))
        if not math.isfinite(norm):
            raise TrainingFailed(
                "the gradient is not a finite number: lower the learning rate, or look for broken texts in "
                "the snapshot"
            )
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate * learning_rate_factor
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return norm

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs."""
        return {"weights": trainable_state(self._module), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        load_trainable_state(self._module, state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])


@dataclass(frozen=True)
class Best:
    """The best evaluated step so far and its trained parameters."""

    step: int
    value: float
    weights: dict[str, Tensor]

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs."""
        return {"step": self.step, "value": self.value, "weights": self.weights}
