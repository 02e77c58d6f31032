"""LoRA (Hu et al. 2021, arXiv 2106.09685) by peft: a frozen model that learns through small matrices beside
its own.

y = W x + (alpha / rank) B A x; A is random, B starts at 0, so the model starts as it is. No dropout on the
adapters' input: with it the first importance ratio of PPO would not be 1, and a micro-batch would depend on
where the random stream stands.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from training.engine.config_fields import TrainingConfig
from training.engine.errors import ConfigError
from training.engine.recomputation import recompute_layers

_NAME = "default"  # peft's own name of a single adapter; part of the parameters' names


def prepare_training(model: Any, config: TrainingConfig) -> None:
    """Give a transformers model what the config asks for: adapters, layers that are computed again.

    After its layers are frozen and before its optimizer is made. A copy that is to stay without adapters is
    taken by `without_adapters`.
    """
    if config.lora_rank:
        add_adapters(model, rank=config.lora_rank, alpha=config.lora_alpha, seed=config.seed)
    if config.gradient_checkpointing:
        recompute_layers(model.base_model)


def add_adapters(model: Any, *, rank: int, alpha: float, seed: int) -> None:
    """Give every trained linear layer of a transformers model an adapter; all of its own weights freeze.

    A layer whose weight is frozen gets none, so that `trainable_layers` keeps its meaning; nor does the
    projection to the vocabulary, which is tied to the embeddings in small models. The random A depends on
    `seed` alone. ConfigError when no linear layer is trained.
    """
    from peft import LoraConfig, inject_adapter_in_model

    head = model.get_output_embeddings()
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module is not head and module.weight.requires_grad
    ]
    if not names:
        raise ConfigError(f"lora_rank: {rank} is not allowed here; the model trains no linear layer")
    settings = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=names)  # type: ignore[arg-type]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        inject_adapter_in_model(settings, model)


def has_adapters(model: nn.Module) -> bool:
    """Whether `add_adapters` was called on the model or on a part of it."""
    return any(name.endswith("base_layer") for name, _ in model.named_modules())


def without_adapters(model: Any) -> Any:
    """The model as it was before it got adapters, sharing every weight with it: the reference policy of PPO.

    Exact, because the adapters' product is not computed at all, and no second copy of the weights. A model
    that has none is returned itself.
    """
    if not has_adapters(model):
        return model
    shared = {id(parameter): parameter for parameter in model.parameters()}
    plain = copy.deepcopy(model, memo=dict(shared))
    for name, module in list(plain.named_modules()):
        if hasattr(module, "lora_A"):
            plain.set_submodule(name, module.base_layer)
    return plain


def merged_state(model: nn.Module, state: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """The state of a model of its own kind without adapters, W + (alpha / rank) B A in the place of W.

    state: the model's full state where it is not in `model` itself (gathered from several processes). A
    model without adapters gives its state as it is. The product is computed in float32, like the weights.
    """
    weights = dict(model.state_dict() if state is None else state)
    for name, module in model.named_modules():
        if not hasattr(module, "lora_A"):
            continue
        a = weights.pop(f"{name}.lora_A.{_NAME}.weight")
        b = weights.pop(f"{name}.lora_B.{_NAME}.weight")
        weight = weights.pop(f"{name}.base_layer.weight")
        weights[f"{name}.weight"] = weight + module.scaling[_NAME] * (b @ a)
        if (bias := weights.pop(f"{name}.base_layer.bias", None)) is not None:
            weights[f"{name}.bias"] = bias
    return weights
