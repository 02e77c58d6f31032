"""What ends PPO early: each alarm by its own figure, and a run that ends by one saves its best policy."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tests.training.engine.conftest import attempt
from training.engine.config import PpoConfig
from training.engine.events import read_events
from training.engine.optimization import Best, Learner
from training.engine.ppo_alarms import alarm_of
from training.engine.ppo_evaluation import PolicyFigures
from training.engine.ppo_progress import Progress
from training.engine.rollouts import Scales

CONFIG = PpoConfig(kind="ppo", policy="", reward_model="", kl_cap=3.0)
BEFORE = PolicyFigures(
    score=0.0, score_deviation=1.0, kl=0.0, kl_k3=0.0, length=50.0, eos_rate=0.2, surprise=2.0, prompts=64
)
PROGRESS = Progress(BEFORE, BEFORE, Best(0, 0.0, {}), Scales(score=1.0, kl_coef=0.05))
STEP = {
    "policy/ratio_max": 1.8,
    "train/surprise": 1.4,
    "train/length": 40.0,
    "train/kl": 1.0,
    "value/loss": 0.3,
}


def test_a_good_step_raises_no_alarm():
    assert alarm_of(STEP, PROGRESS, CONFIG) is None


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"policy/ratio_max": 100.5}, "100 times likelier in one step, over ratio_cap (100)"),
        (
            {"train/surprise": 0.199},
            "0.199 nats per token, under entropy_floor (0.1) times the reference policy's 2",
        ),
        ({"train/length": 251.0}, "went from 50 to 251 tokens, by more than length_drift (5 times)"),
        ({"train/length": 9.9}, "went from 50 to 9.9 tokens, by more than length_drift (5 times)"),
        ({"value/loss": float("nan")}, "not a finite number: value/loss"),
        ({"train/kl": float("inf")}, "not a finite number: train/kl"),
    ],
)
def test_each_alarm_says_the_figure_and_its_bound(figures, said):
    assert said in (alarm_of(STEP | figures, PROGRESS, CONFIG) or "")


def test_at_its_bound_there_is_no_alarm_and_an_empty_bound_is_off():
    at = {"policy/ratio_max": 100.0, "train/surprise": 0.2, "train/length": 250.0}
    beyond = {"policy/ratio_max": 1e9, "train/surprise": 0.0, "train/length": 1.0}
    off = replace(CONFIG, ratio_cap=None, entropy_floor=None, length_drift=None)

    assert alarm_of(STEP | at, PROGRESS, CONFIG) is None
    assert alarm_of(STEP | beyond, PROGRESS, off) is None


def test_a_divergence_over_the_cap_counts_only_in_a_row():
    def after(kls):
        progress = PROGRESS
        for kl in kls:
            progress = progress.after_step(STEP | {"train/kl": kl}, CONFIG)
        return alarm_of(STEP, progress, CONFIG)

    assert after([4.0, 4.0, 4.0]) is None
    assert after([4.0, 4.0, 4.0, 3.0, 4.0, 4.0, 4.0]) is None
    assert "over kl_cap (3 nats) in the completions of 4 steps in a row" in (after([4.0] * 4) or "")


def test_evaluations_over_the_cap_are_never_the_best_and_end_the_run():
    over = replace(BEFORE, score=9.0, kl=3.1)
    once = PROGRESS.after_evaluation(over, torch.nn.Linear(1, 1), CONFIG, step=2)
    twice = once.after_evaluation(over, torch.nn.Linear(1, 1), CONFIG, step=4)

    assert (once.best.step, twice.best.step) == (0, 0)
    assert alarm_of(STEP, once, CONFIG) is None
    assert "at 2 evaluations in a row" in (alarm_of(STEP, twice, CONFIG) or "")


@pytest.fixture
def ppo(new_run, tiny_model, tiny_reward_model):
    def make(**changes):
        return new_run(
            **{
                "kind": "ppo",
                "policy": str(tiny_model),
                "reward_model": str(tiny_reward_model),
                "policy_learning_rate": 1e-2,
                "value_learning_rate": 1e-2,
                "warmup_steps": 0,
                "steps": 6,
                "episodes_per_step": 8,
                "minibatches": 2,
                "max_new_tokens": 6,
                "trainable_layers": None,
                "kl_cap": 1e6,
                "eval_every": 2,
                **changes,
            }
        )

    return make


def assert_ended_early_with_a_policy(run, said):
    result = json.loads((run / "result.json").read_text())
    messages = [e for e in read_events(run / "events.jsonl") if e["type"] == "message"]
    assert said in result["stopped"]
    assert result["metrics"]["steps"] < 6
    assert any(
        e["level"] == "warning" and "stopped early, after step" in e["text"] and said in e["text"]
        for e in messages
    )
    assert AutoModelForCausalLM.from_pretrained(run / "model")
    assert all(tensor.isfinite().all() for tensor in load_file(run / "model" / "model.safetensors").values())
    return result


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ratio_cap": 1.001}, "over ratio_cap"),
        ({"entropy_floor": 1.0, "temperature": 0.5, "policy_learning_rate": 3e-2}, "under entropy_floor"),
        ({"kl_cap": 0.0, "kl_step_patience": 1, "eval_every": 100}, "over kl_cap"),
    ],
)
def test_a_run_that_ends_by_an_alarm_saves_its_best_policy_and_says_why(ppo, changes, said):
    run = ppo(**changes)

    attempt(run)

    assert_ended_early_with_a_policy(run, said)


def test_a_gradient_that_is_no_number_ends_the_run_with_the_best_policy_so_far(ppo, monkeypatch):
    backward, calls = Learner.backward, []

    def breaks_in_the_fourth_step(self, loss, microbatch):
        calls.append(loss)
        backward(self, loss * (float("nan") if len(calls) > 3 * 4 else 1.0), microbatch)

    monkeypatch.setattr(Learner, "backward", breaks_in_the_fourth_step)
    run = ppo()

    attempt(run)

    result = assert_ended_early_with_a_policy(run, "the gradient is not a finite number")
    assert result["metrics"]["steps"] == 3
    assert result["step"] in (0, 2)


def test_scores_that_become_no_numbers_end_the_run_with_the_best_policy_so_far(ppo, monkeypatch):
    from training.engine import rollouts

    score_all, calls = rollouts.score_all, []

    def breaks_in_the_third_step(*args, **kwargs):
        calls.append(args)
        return score_all(*args, **kwargs) * (float("inf") if len(calls) == 5 else 1.0)

    monkeypatch.setattr(rollouts, "score_all", breaks_in_the_third_step)  # 0, steps 1, 2, evaluation, step 3
    run = ppo()

    attempt(run)

    result = assert_ended_early_with_a_policy(run, "scores of the completions are not finite numbers")
    assert result["metrics"]["steps"] == 2
