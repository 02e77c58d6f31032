"""A model on several processes: replicated (DistributedDataParallel) or sharded (fully_shard), by torch.

Both average gradients over the processes. A sharded model holds its parameters as DTensors, of which each
process has a part; its forward pass gathers them layer by layer, so all processes must call it equally often.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Shard, zeros
from torch.nn.parallel import DistributedDataParallel

from training.engine.distributed import Processes


def parallel(model: nn.Module, processes: Processes) -> nn.Module:
    """The model to call in training: itself when there is one process."""
    if processes.world_size == 1:
        return model
    return shard(model, processes) if processes.is_sharded else replicate(model)


def replicate(model: nn.Module) -> nn.Module:
    """The model wrapped: every process has all of it, gradients are averaged while they are computed."""
    # Nothing in a buffer is trained, so there is nothing to bring into line before each pass.
    return DistributedDataParallel(model, forward_sync_buffers=False)


def shard(model: nn.Module, processes: Processes) -> nn.Module:
    """The model itself, sharded in place: one group of parameters a transformer layer, one for the rest.

    The rest is given back after each pass like the layers, so that parameters are DTensors between passes.
    """
    mesh = _mesh(processes.device, processes.world_size)
    stacks = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    for layer in (layer for stack in stacks for layer in stack):
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh, reshard_after_forward=True)
    return model


def whole(tensor: Tensor) -> Tensor:
    """The tensor itself, or what all processes hold of it; then all must call it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def whole_state(module: nn.Module) -> dict[str, Tensor]:
    """The module's state dict of whole tensors; two names of one parameter share it, as in the module."""
    state = module.state_dict(keep_vars=True)
    tensors = {id(tensor): whole(tensor).detach() for tensor in state.values()}
    return {name: tensors[id(tensor)] for name, tensor in state.items()}


def state_to_save(module: nn.Module, processes: Processes) -> dict[str, Tensor]:
    """`whole_state` in the first process's main memory; empty on the others, of which none holds more than
    one whole tensor at a time. All must call it."""
    state = module.state_dict(keep_vars=True)
    tensors: dict[int, Tensor] = {}
    for tensor in state.values():
        if id(tensor) not in tensors:
            found = whole(tensor).detach()
            tensors[id(tensor)] = found.cpu() if processes.is_first else torch.empty(0)
    return {name: tensors[id(tensor)] for name, tensor in state.items()} if processes.is_first else {}


def part_shards(state: Any, key: str = "") -> tuple[Any, dict[str, DTensor]]:
    """A nested state with None in the place of its DTensors, and them by their path in it."""
    if isinstance(state, DTensor):
        return None, {key: state}
    if not isinstance(state, (dict, list)):
        return state, {}
    pairs = state.items() if isinstance(state, dict) else enumerate(state)
    parted = {name: part_shards(value, f"{key}/{name}") for name, value in pairs}
    shards = {path: tensor for _, own in parted.values() for path, tensor in own.items()}
    rest = {name: value for name, (value, _) in parted.items()}
    return (rest if isinstance(state, dict) else list(rest.values())), shards


def join_shards(rest: Any, shards: Mapping[str, Tensor], key: str = "") -> Any:
    """Undo `part_shards`."""
    if key in shards:
        return shards[key]
    if isinstance(rest, dict):
        return {name: join_shards(value, shards, f"{key}/{name}") for name, value in rest.items()}
    if isinstance(rest, list):
        return [join_shards(value, shards, f"{key}/{number}") for number, value in enumerate(rest)]
    return rest


def save_shards(shards: dict[str, DTensor], directory: Path) -> None:
    """Each process writes its part into the directory. All must call it."""
    save(shards, checkpoint_id=directory)


def has_shards(directory: Path) -> bool:
    """Whether `save_shards` wrote into the directory."""
    return (directory / ".metadata").exists()


def load_shards(directory: Path, processes: Processes) -> dict[str, Tensor]:
    """What `save_shards` wrote, laid out for the processes there are now, however many wrote it."""
    found = FileSystemReader(directory).read_metadata().state_dict_metadata
    tensors: dict[str, Tensor] = {}
    for key, entry in found.items():
        assert isinstance(entry, TensorStorageMetadata)
        if processes.is_sharded:
            mesh = _mesh(processes.device, processes.world_size)
            tensors[key] = zeros(
                entry.size, dtype=entry.properties.dtype, device_mesh=mesh, placements=[Shard(0)]
            )
        else:
            tensors[key] = torch.zeros(entry.size, dtype=entry.properties.dtype)
    load(tensors, checkpoint_id=directory, no_dist=processes.world_size == 1)
    return tensors


@functools.cache
def _mesh(device: str, world_size: int) -> DeviceMesh:
    return init_device_mesh(device, (world_size,))
