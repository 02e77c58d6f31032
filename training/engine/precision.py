"""Which number format the heavy arithmetic of a run uses, and where it runs."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from training.engine.events import EventLog
from training.engine.files import write_json


@dataclass(frozen=True)
class Precision:
    """`dtype` is float32 or bfloat16; `device` is cpu or cuda."""

    dtype: str
    device: str

    @property
    def torch_dtype(self) -> torch.dtype:
        """Format of models that are only read, such as the copy of the policy that samples."""
        return torch.bfloat16 if self.dtype == "bfloat16" else torch.float32

    def autocast(self) -> AbstractContextManager[None]:
        """Arithmetic of training: float32 weights, matrix products in `dtype`."""
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.dtype == "bfloat16")


def fast_dtype(device: str) -> str:
    """bfloat16 where the hardware multiplies it natively, else float32.

    Asked of the hardware and not timed, because a probe on a busy machine would answer differently each time.
    Native means AMX tiles or AVX-512 BF16: 680 against 160 GFLOP/s on a Zen 5 core pair, and a forward and
    backward pass of SmolLM2-135M 2.8 times as fast. CPUs that only emulate bfloat16 are slower with it.
    """
    if device == "cuda":
        return "bfloat16"
    is_native = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if is_native else "float32"


def choose_precision(directory: Path, requested: str, events: EventLog) -> Precision:
    """The precision of a run: chosen by its first attempt, kept in precision.json, used by every later
    one."""
    path = directory / "precision.json"
    if path.exists():
        return Precision(**json.loads(path.read_text(encoding="utf-8")))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    precision = Precision(dtype=fast_dtype(device) if requested == "auto" else requested, device=device)
    write_json(path, asdict(precision))
    events.message(f"arithmetic in {precision.dtype} on {precision.device} ({requested} was asked for)")
    return precision
