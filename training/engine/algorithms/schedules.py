"""Learning-rate factors as pure functions of the step, so that a resumed run needs no schedule state."""

from __future__ import annotations

import math


def warmup_factor(step: int, *, warmup_steps: int, start: float | None = None) -> float:
    """Linear from `start`, by default 1/(warmup_steps + 1), at step 0 to 1 at step `warmup_steps`."""
    if step >= warmup_steps:
        return 1.0
    start = 1 / (warmup_steps + 1) if start is None else start
    return start + (1 - start) * step / warmup_steps


def cosine_factor(step: int, *, total_steps: int, floor: float) -> float:
    """Half a cosine from 1 at step 0 down to `floor` at the last step (Ouyang 2022, C.1-C.3: floor 0.1)."""
    progress = min(1.0, step / max(1, total_steps - 1))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))
