import itertools
import math

import pytest
import torch

from training.engine.algorithms.best_of_n import best_of_n_kl_bound, best_of_n_score, mean_and_spread


@pytest.mark.parametrize("n", range(1, 8))
def test_the_score_of_the_best_of_n_is_the_mean_over_all_choices_of_n(n):
    scores = torch.randn(7, generator=torch.Generator().manual_seed(1))

    expected = [max(chosen) for chosen in itertools.combinations(scores.tolist(), n)]

    assert best_of_n_score(scores, n) == pytest.approx(sum(expected) / len(expected), rel=1e-6)


def test_the_best_of_two_of_three_by_hand():
    # the pairs of 1, 2, 4 have maxima 2, 4, 4
    assert best_of_n_score(torch.tensor([4.0, 1.0, 2.0]), 2) == pytest.approx(10 / 3)


def test_a_thousand_completions_do_not_overflow():
    scores = torch.arange(1000.0)

    assert best_of_n_score(scores, 500) == pytest.approx(500 * 1001 / 501 - 1)
    assert best_of_n_score(scores, 1000) == 999.0


@pytest.mark.parametrize("n", [0, 4])
def test_more_than_there_are_cannot_be_estimated(n):
    with pytest.raises(ValueError, match=f"best of {n} cannot be estimated from 3 completions"):
        best_of_n_score(torch.zeros(3), n)


def test_the_bound_is_reached_where_no_completion_repeats_and_is_above_the_divergence_elsewhere():
    """Best of 4 by a policy over m equally likely texts of different scores: p(i) = (i/m)^4 - ((i-1)/m)^4."""

    def divergence(texts):
        chances = [(i / texts) ** 4 - ((i - 1) / texts) ** 4 for i in range(1, texts + 1)]
        return sum(chance * math.log(chance * texts) for chance in chances)

    assert best_of_n_kl_bound(1) == 0.0
    assert best_of_n_kl_bound(4) == pytest.approx(math.log(4) - 0.75)
    assert divergence(100_000) == pytest.approx(best_of_n_kl_bound(4), abs=1e-4)
    assert divergence(3) < best_of_n_kl_bound(4) - 0.05


def test_an_ensemble_says_the_mean_and_how_far_its_members_differ():
    mean, spread = mean_and_spread(torch.tensor([[1.0, 5.0], [3.0, 5.0], [5.0, 5.0]]))

    assert mean.tolist() == [3.0, 5.0]
    assert spread.tolist() == [2.0, 0.0]


def test_one_reward_model_alone_says_nothing_of_its_uncertainty():
    mean, spread = mean_and_spread(torch.tensor([[1.0, 5.0]]))

    assert mean.tolist() == [1.0, 5.0]
    assert spread.isnan().all()
