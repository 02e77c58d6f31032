"""Averaged weights: the definition, in their place for evaluation and saving, and gone from it after."""

import json

import pytest
import torch
from safetensors.torch import load_file

from tests.training.engine.conftest import attempt
from training.engine.averaging import AveragedWeights
from training.engine.modeling import load_policy, sampling_copy


@pytest.fixture
def policy(tiny_model):
    return load_policy(tiny_model)


def shifted(policy, by):
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(by)


def test_the_average_is_the_recursion(policy):
    start = {name: p.detach().clone() for name, p in policy.named_parameters()}
    averaged = AveragedWeights(policy, policy.language_model, decay=0.9)

    for _ in range(2):
        shifted(policy, 1.0)
        averaged.update()

    # 0.9 (0.9 w + 0.1 (w + 1)) + 0.1 (w + 2) = w + 0.29
    for name, average in averaged.average.items():
        torch.testing.assert_close(average, start[name] + 0.29)


def test_it_takes_the_policys_place_within_the_block_and_its_samplers(policy):
    sampler = sampling_copy(policy, torch.bfloat16)
    averaged = AveragedWeights(policy, sampler, decay=0.5)
    start = policy.language_model.lm_head.weight.detach().clone()
    shifted(policy, 2.0)
    averaged.update()
    own = policy.language_model.lm_head.weight.detach().clone()

    with averaged.in_place():
        torch.testing.assert_close(policy.language_model.lm_head.weight, start + 1.0)
        torch.testing.assert_close(sampler.lm_head.weight, (start + 1.0).bfloat16())

    assert torch.equal(policy.language_model.lm_head.weight, own)
    assert torch.equal(sampler.lm_head.weight, own.bfloat16())
    torch.testing.assert_close(averaged.average["language_model.model.embed_tokens.weight"], start + 1.0)


def test_without_a_decay_nothing_is_averaged(policy):
    averaged = AveragedWeights(policy, policy.language_model, decay=None)
    before = policy.language_model.lm_head.weight.detach().clone()
    averaged.update()

    with averaged.in_place():
        assert torch.equal(policy.language_model.lm_head.weight, before)
    assert averaged.average == {}


@pytest.mark.parametrize("decay", [None, 0.0, 0.75])
def test_the_averaged_policy_is_the_one_saved(new_run, tiny_model, tiny_reward_model, monkeypatch, decay):
    seen = []
    update = AveragedWeights.update

    def watched(self):
        update(self)
        seen.append(self._policy.language_model.lm_head.weight.detach().clone())

    monkeypatch.setattr(AveragedWeights, "update", watched)
    run = new_run(
        kind="ppo",
        policy=str(tiny_model),
        reward_model=str(tiny_reward_model),
        policy_learning_rate=1e-2,
        warmup_steps=0,
        steps=2,
        episodes_per_step=8,
        minibatches=2,
        max_new_tokens=6,
        trainable_layers=None,
        eval_every=1,
        kl_cap=1e6,
        length_drift=None,
        ema_decay=decay,
    )

    attempt(run)

    start = load_policy(tiny_model).language_model.lm_head.weight
    saved = load_file(run / "model" / "model.safetensors")["model.embed_tokens.weight"]
    step = json.loads((run / "result.json").read_text())["step"]
    first = 0.75 * start + 0.25 * seen[0]
    expected = {
        None: [start, *seen],
        0.0: [start, *seen],
        0.75: [start, first, 0.75 * first + 0.25 * seen[1]],
    }
    torch.testing.assert_close(saved, expected[decay][step])
