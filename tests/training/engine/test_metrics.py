"""Figures of a reward model's judgement, by hand and against their definitions."""

import math
import random

import pytest
import torch

from training.engine.metrics import (
    ScoredRanking,
    chosen_minus_rejected,
    expected_calibration_error,
    finds_the_best,
    is_right,
    kendall_tau_b,
    pair_accuracy,
    reward_model_figures,
    spearman,
)


def scored(scores, places, lengths=None):
    return ScoredRanking(
        torch.tensor(scores, dtype=torch.float32),
        torch.tensor(places),
        torch.tensor(lengths or range(1, len(places) + 1)),
    )


def test_pairs_go_from_the_chosen_to_the_rejected_and_ties_give_none():
    assert sorted(scored([1.0, 4.0, 9.0, 16.0], [2, 1, 3, 1]).margins.tolist()) == [-8, -5, 3, 7, 15]
    assert is_right(torch.tensor([-8.0, 0.0, 3.0])).tolist() == [0, 0.5, 1]


def test_accuracy_is_over_pairs_and_its_interval_over_rankings():
    sure, wrong = torch.tensor([1.0]), torch.tensor([-1.0, -1.0, -1.0])

    accuracy = pair_accuracy([sure, wrong])

    assert (accuracy.value, accuracy.pairs, accuracy.rankings) == (0.25, 4, 2)
    assert (accuracy.low, accuracy.high) == (0.0, 1.0)  # both twice the one, or twice the other, are drawn


def test_the_interval_of_an_accuracy_does_not_shrink_when_pairs_repeat_within_rankings():
    chance = random.Random(0)
    coins = [torch.tensor([chance.choice([-1.0, 1.0])]) for _ in range(400)]

    once, often = pair_accuracy(coins), pair_accuracy([coin.expand(36) for coin in coins])

    width = 2 * 1.96 * math.sqrt(0.25 / 400)
    assert once.high - once.low == pytest.approx(width, rel=0.1)
    assert (often.low, often.high) == (once.low, once.high)


def test_calibration_is_zero_for_true_probabilities_and_grows_with_overconfidence():
    chance = torch.Generator().manual_seed(5)
    strength = 2 * torch.randn(100_000, generator=chance).double()
    came_true = torch.rand(len(strength), generator=chance) < torch.sigmoid(strength)
    margins = torch.where(came_true, strength, -strength)

    assert expected_calibration_error(margins) < 0.01
    # three times too sure: the error by its definition, without bins
    expected = (torch.sigmoid(3 * strength) - torch.sigmoid(strength)).abs().mean()
    assert expected_calibration_error(3 * margins) == pytest.approx(float(expected), abs=0.01)


def test_calibration_by_hand():
    margins = torch.full((4,), math.log(4.0)).double()  # says 0.8 (or 0.2, turned round) and is always right

    assert expected_calibration_error(margins) == pytest.approx(0.2)
    assert expected_calibration_error(-margins) == pytest.approx(0.8)


def naive_tau_b(one, other):
    pairs = [(i, j) for i in range(len(one)) for j in range(i)]
    sign = lambda x: (x > 0) - (x < 0)  # noqa: E731
    products = [sign(one[i] - one[j]) * sign(other[i] - other[j]) for i, j in pairs]
    untied = [sum(values[i] != values[j] for i, j in pairs) for values in (one, other)]
    return sum(products) / math.sqrt(untied[0] * untied[1])


def test_kendalls_tau():
    chance = random.Random(1)
    for _ in range(20):
        one, other = ([chance.randint(0, 5) for _ in range(9)] for _ in range(2))
        found = kendall_tau_b(torch.tensor(one), torch.tensor(other))
        assert found == pytest.approx(naive_tau_b(one, other))
    assert kendall_tau_b(torch.tensor([1, 2, 3]), torch.tensor([4, 5, 9])) == 1
    assert kendall_tau_b(torch.tensor([1, 2, 2]), torch.tensor([3, 2, 1])) == pytest.approx(-2 / math.sqrt(6))
    assert kendall_tau_b(torch.tensor([1, 1]), torch.tensor([1, 2])) is None


def test_spearmans_correlation():
    assert spearman(torch.tensor([1.0, 2.0, 30.0]), torch.tensor([5, 6, 7])) == pytest.approx(1)
    # ranks 1, 2.5, 2.5, 4 and 2, 1, 3, 4: by Pearson's formula
    assert spearman(torch.tensor([0, 3, 3, 9]), torch.tensor([20, 10, 30, 40])) == pytest.approx(
        3 / math.sqrt(4.5 * 5)
    )
    assert spearman(torch.tensor([1, 1]), torch.tensor([1, 2])) is None


def test_the_best_is_found_where_the_highest_score_is_a_first_place():
    assert finds_the_best(scored([3, 1, 2], [1, 2, 3])) == 1
    assert finds_the_best(scored([3, 1, 2], [2, 1, 1])) == 0
    assert finds_the_best(scored([3, 3, 2], [1, 2, 3])) == 0.5


def test_all_figures_of_two_rankings_by_hand():
    rankings = [
        scored([3.0, 1.0, 2.0], [1, 2, 3], lengths=[9, 4, 4]),  # right, right, wrong
        scored([0.0, 1.0], [1, 2], lengths=[2, 5]),  # wrong
    ]

    figures = reward_model_figures(rankings, "valid")

    margins = [2, 1, -1, -1]
    expected = {
        "valid_accuracy": 0.5,
        "valid_pairs": 4,
        "valid_rankings": 2,
        "valid_log_loss": sum(math.log1p(math.exp(-m)) for m in margins) / 4,
        "valid_tau": (1 / 3 - 1) / 2,
        "valid_best_found": 0.5,
        "valid_accuracy_gap_1": 1 / 3,
        "valid_accuracy_gap_2": 1.0,
        "valid_accuracy_k_2": 0.0,
        "valid_accuracy_k_3": 2 / 3,
        "valid_length_correlation": (1.5 / math.sqrt(3) + 1) / 2,
        "valid_longer_wins": 2.5 / 4,
        "valid_accuracy_longer": 1.0,
        "valid_accuracy_shorter": 0.0,
    }
    assert {name: figures[name] for name in expected} == pytest.approx(expected)
    assert all(isinstance(value, float | int) for value in figures.values())
    assert {name.removesuffix("_low").removesuffix("_high") for name in figures} == {*expected, "valid_ece"}


def test_differences_of_lengths_follow_the_pairs():
    assert chosen_minus_rejected(torch.tensor([7, 3]), torch.tensor([2, 1])).tolist() == [-4]
