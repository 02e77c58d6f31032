import random

import pytest

from training.win_rate import win_rate


def test_wins_count_one_and_ties_a_half():
    rate = win_rate([1, 1, 1, 1], [2, 2, 1, 0])

    assert rate.value == pytest.approx((1 + 1 + 0.5 + 0) / 4)
    assert rate.n == 4


def test_the_interval_has_the_width_of_the_binomial_one():
    rng = random.Random(0)
    after = [float(rng.random() < 0.6) for _ in range(400)]

    rate = win_rate([0.5] * 400, after)

    half_width = 1.96 * (rate.value * (1 - rate.value) / 400) ** 0.5
    assert rate.high - rate.value == pytest.approx(half_width, rel=0.15)
    assert rate.value - rate.low == pytest.approx(half_width, rel=0.15)


def test_the_same_answers_tie_everywhere():
    rate = win_rate([3.0] * 10, [3.0] * 10)

    assert (rate.low, rate.value, rate.high) == (0.5, 0.5, 0.5)


def test_unpaired_values_are_refused():
    with pytest.raises(ValueError, match="one pair per prompt"):
        win_rate([1.0], [])
