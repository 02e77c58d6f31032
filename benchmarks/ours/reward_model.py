"""This engine's reward model on rankings, one update whenever asked: the recipe's own steps."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.answering import Questions, Stopwatch, peak_bytes
from benchmarks.ranking_data import WARM_UPS, Shape, rankings_of_update, shape_of
from training.engine.config import RewardModelConfig
from training.engine.context import RunContext
from training.engine.events import EventLog
from training.engine.examples import EncodedRanking
from training.engine.modeling import load_reward_model
from training.engine.optimization import Learner
from training.engine.passes import GroupPass, group_pass
from training.engine.precision import Precision
from training.engine.recipes.reward_model import accumulate_loss
from training.engine.shared_prefix import Group
from training.engine.stopping import StopFlag


def main() -> None:
    questions = Questions()
    settings = questions.settings
    torch.set_num_threads(settings["threads"])
    directory = Path(tempfile.mkdtemp())
    context = RunContext(
        directory,
        EventLog(directory / "events.jsonl", attempt=1),
        StopFlag(),
        Precision(settings["dtype"], "cpu"),
    )
    config = RewardModelConfig(
        kind="reward_model", policy="", tokens_per_microbatch=settings["tokens_per_microbatch"]
    )
    model = load_reward_model(Path(settings["model"]))
    model.score_bias.requires_grad_(False)
    learner = Learner(model, learning_rate=settings["learning_rate"], max_grad_norm=1.0)
    way = group_pass(model, context)
    for _ in range(WARM_UPS):
        warm_up(learner, way, batch_of(shape_of(settings), 0), config, context)
    questions.answer(ready=True, parameters=sum(p.numel() for p in learner.parameters))
    number = 0
    while True:
        request = questions.next()
        if request["do"] == "multiply":
            questions.answer(flops_per_cpu_second=matrix_rate(settings["dtype"], size=request["size"]))
            continue
        watch = Stopwatch()
        loss, _ = accumulate_loss(learner, way, batch_of(shape_of(settings), number), config, context)
        learner.step(learning_rate_factor=1.0)
        questions.answer(**watch.read(), peak_bytes=peak_bytes(), loss=loss)
        number += 1


def warm_up(
    learner: Learner,
    way: GroupPass,
    batch: list[EncodedRanking],
    config: RewardModelConfig,
    context: RunContext,
) -> None:
    """A pass and an update by nothing, so that the first one finds memory and threads in place."""
    accumulate_loss(learner, way, batch, config, context)
    for parameter in learner.parameters:
        assert parameter.grad is not None
        parameter.grad.zero_()
    learner.step(learning_rate_factor=1.0)


def batch_of(shape: Shape, number: int) -> list[EncodedRanking]:
    """An update's rankings as the recipe takes them."""
    return [
        EncodedRanking(Group(r.prompt_ids, r.completions), torch.arange(len(r.completions)) + 1)
        for r in rankings_of_update(shape, number)
    ]


def matrix_rate(dtype: str, *, size: int) -> float:
    """The best rate at which this process multiplies large matrices, in floating-point operations a CPU
    second."""
    kind: Any = getattr(torch, dtype)
    one, other = torch.randn(size, size, dtype=kind), torch.randn(size, size, dtype=kind)
    best = float("inf")
    for _ in range(12):
        watch = Stopwatch()
        one @ other
        best = min(best, watch.read()["cpu_seconds"])
    return 2 * size**3 / best


if __name__ == "__main__":
    main()
