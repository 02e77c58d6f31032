import math

import pytest
import torch

from training.engine.algorithms.advantages import (
    adapted_kl_coef,
    generalized_advantages,
    kl_penalized_rewards,
    penalize_missing_eos,
    scale_to_unit_deviation,
    whiten,
)
from training.engine.algorithms.masking import lengths_to_mask, masked_mean, masked_variance


def naive_advantage(rewards, values, t, gamma, gae_lambda):
    """Schulman et al. 2016, eq. 16: sum over l of (gamma lambda)^l delta_{t+l}, values 0 after the end."""
    values = [*values, 0.0]
    deltas = [rewards[i] + gamma * values[i + 1] - values[i] for i in range(len(rewards))]
    return sum((gamma * gae_lambda) ** (i - t) * deltas[i] for i in range(t, len(rewards)))


@pytest.mark.parametrize(("gamma", "gae_lambda"), [(1.0, 0.95), (0.9, 0.8), (1.0, 1.0), (1.0, 0.0)])
def test_advantages_equal_the_definition(gamma, gae_lambda):
    torch.manual_seed(0)
    rewards, values = torch.randn(3, 6), torch.randn(3, 6)
    lengths = [6, 1, 4]
    mask = lengths_to_mask(torch.tensor(lengths), 6)

    advantages, returns = generalized_advantages(rewards, values, mask, gamma=gamma, gae_lambda=gae_lambda)

    for row, length in enumerate(lengths):
        own_rewards, own_values = rewards[row, :length].tolist(), values[row, :length].tolist()
        for t in range(length):
            expected = naive_advantage(own_rewards, own_values, t, gamma, gae_lambda)
            assert advantages[row, t].item() == pytest.approx(expected, abs=1e-5)
            assert returns[row, t].item() == pytest.approx(expected + own_values[t], abs=1e-5)
        assert advantages[row, length:].abs().sum() == 0
        assert returns[row, length:].abs().sum() == 0


def test_two_steps_by_hand():
    advantages, returns = generalized_advantages(
        torch.tensor([[1.0, 2.0]]),
        torch.tensor([[0.5, 1.0]]),
        torch.ones(1, 2, dtype=torch.bool),
        gamma=1.0,
        gae_lambda=0.5,
    )

    # delta_1 = 2 - 1 = 1; delta_0 = 1 + 1 - 0.5 = 1.5; A_0 = 1.5 + 0.5 * 1
    assert advantages.tolist() == [[2.0, 1.0]]
    assert returns.tolist() == [[2.5, 2.0]]


def test_the_score_sits_on_the_last_real_token_and_the_penalty_on_each():
    logprobs = torch.tensor([[-1.0, -2.0, -9.0], [-1.0, -1.0, -1.0]])
    ref_logprobs = torch.tensor([[-1.5, -1.0, 9.0], [-1.0, -1.0, -2.0]])
    mask = lengths_to_mask(torch.tensor([2, 3]), 3)

    rewards = kl_penalized_rewards(torch.tensor([5.0, 7.0]), logprobs, ref_logprobs, mask, kl_coef=0.1)

    torch.testing.assert_close(rewards, torch.tensor([[-0.05, 5.1, 0.0], [0.0, 0.0, 6.9]]))


def test_only_completions_without_an_end_are_penalized():
    scores = penalize_missing_eos(torch.tensor([1.0, 1.0]), torch.tensor([True, False]), penalty=0.5)

    assert scores.tolist() == [1.0, 0.5]


def test_whitening_centres_and_scales_over_real_tokens():
    values = torch.tensor([[1.0, 2.0, 100.0], [3.0, 6.0, 8.0]])
    mask = torch.tensor([[True, True, False], [True, True, True]])

    white = whiten(values, mask)

    # real values 1 2 3 6 8: mean 4, variance 6.8
    assert masked_mean(white, mask).item() == pytest.approx(0.0, abs=1e-6)
    assert masked_variance(white, mask).item() == pytest.approx(1.0, abs=1e-5)
    assert white[0, 0].item() == pytest.approx((1 - 4) / math.sqrt(6.8), abs=1e-5)
    assert white[0, 2].item() == 0.0


def test_scaled_rewards_have_unit_deviation_and_keep_their_mean():
    rewards = torch.tensor([[1.0, 2.0, 100.0], [3.0, 6.0, 8.0]])
    mask = torch.tensor([[True, True, False], [True, True, True]])

    scaled = scale_to_unit_deviation(rewards, mask)

    assert masked_mean(scaled, mask).item() == pytest.approx(4.0, abs=1e-5)
    assert masked_variance(scaled, mask).item() == pytest.approx(1.0, abs=1e-5)
    assert scaled[0, 0].item() == pytest.approx(4 + (1 - 4) / math.sqrt(6.8), abs=1e-5)
    assert scaled[0, 2].item() == 0.0


@pytest.mark.parametrize(
    ("kl", "kl_coef"),
    [
        (6.0, 0.1),  # at the target it stays
        (6.6, 0.1 * (1 + 0.1 * 512 / 10_000)),
        (5.4, 0.1 * (1 - 0.1 * 512 / 10_000)),
        (60.0, 0.1 * (1 + 0.2 * 512 / 10_000)),  # an error counts as a fifth at most
        (-1.0, 0.1 * (1 - 0.2 * 512 / 10_000)),
    ],
)
def test_the_kl_coefficient_follows_the_error(kl, kl_coef):
    found = adapted_kl_coef(0.1, kl, target=6.0, completions=512, horizon=10_000)

    assert found == pytest.approx(kl_coef, rel=1e-9)


@pytest.mark.parametrize("padding", [0.0, 1e6, float("nan"), float("inf")])
def test_padding_moves_no_reward_advantage_or_whitened_value(padding):
    torch.manual_seed(1)
    tensors = [torch.randn(2, 4) for _ in range(4)]
    mask = lengths_to_mask(torch.tensor([2, 4]), 4)
    spoiled = [torch.where(mask, tensor, torch.tensor(padding)) for tensor in tensors]

    def compute(rewards, values, logprobs, ref_logprobs):
        return (
            kl_penalized_rewards(torch.tensor([1.0, 2.0]), logprobs, ref_logprobs, mask, kl_coef=0.1),
            *generalized_advantages(rewards, values, mask, gamma=0.9, gae_lambda=0.9),
            whiten(values, mask),
            scale_to_unit_deviation(rewards, mask),
            masked_mean(values, mask),
            masked_variance(values, mask),
        )

    for clean, dirty in zip(compute(*tensors), compute(*spoiled), strict=True):
        torch.testing.assert_close(clean, dirty)
