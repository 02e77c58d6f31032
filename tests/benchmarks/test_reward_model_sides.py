"""Both sides of the reward-model benchmark see the same data, and ours does the recipe's work."""

import math
import sys
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import pytest

from benchmarks import environments
from benchmarks.environments import Side
from benchmarks.ranking_data import (
    EOS,
    LONGEST,
    SHORTEST,
    VOCABULARY,
    Shape,
    pairs_of_update,
    rankings_of_update,
)
from training.engine.modeling import new_reward_model, save_reward_model
from training.engine.tiny import make_tiny_model
from training.engine.tokenization import load_tokenizer

SHAPE = Shape(completions=4, prompt_tokens=64, rankings=2)


def test_the_pairs_of_an_update_are_its_rankings_expanded():
    rankings, pairs = rankings_of_update(SHAPE, 3), pairs_of_update(SHAPE, 3)

    assert len(pairs) == SHAPE.pairs == 12
    expected = {
        (r.prompt_ids + chosen, r.prompt_ids + rejected)
        for r in rankings
        for chosen, rejected in combinations(r.completions, 2)
    }
    assert {(tuple(pair["chosen_ids"]), tuple(pair["rejected_ids"])) for pair in pairs} == expected
    for ranking in rankings:
        assert len(ranking.prompt_ids) == 64
        assert all(SHORTEST <= len(ids) <= LONGEST and ids[-1] == EOS for ids in ranking.completions)


def test_updates_differ_and_come_again_the_same():
    assert rankings_of_update(SHAPE, 1) == rankings_of_update(SHAPE, 1)
    assert rankings_of_update(SHAPE, 1) != rankings_of_update(SHAPE, 2)


@pytest.mark.slow
def test_our_side_takes_updates_when_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(environments, "DIRECTORY", tmp_path)
    tiny = make_tiny_model(tmp_path / "tiny")
    model = new_reward_model(tiny, layers=None, seed=0)
    model.backbone.resize_token_embeddings(VOCABULARY)
    save_reward_model(model, load_tokenizer(tiny), tmp_path / "reward")
    settings = {
        "shape": asdict(SHAPE),
        "model": str(tmp_path / "reward"),
        "dtype": "float32",
        "threads": 1,
        "learning_rate": 1e-3,
        "tokens_per_microbatch": 4096,
    }

    with Side("benchmarks.ours.reward_model", settings, python=Path(sys.executable), threads=1) as side:
        answers = [side.ask(do="update") for _ in range(2)]
        rate = side.ask(do="multiply", size=128)["flops_per_cpu_second"]

    assert side.ready["parameters"] == sum(p.numel() for p in model.backbone.parameters()) + 32
    assert all(0.2 < answer["loss"] / math.log(2) < 5 and answer["peak_bytes"] > 1e8 for answer in answers)
    assert rate > 1e7
