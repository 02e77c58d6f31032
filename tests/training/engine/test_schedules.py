import pytest

from training.engine.algorithms.schedules import cosine_factor, warmup_factor


def test_the_warm_up_climbs_evenly_to_one_and_stays_there():
    assert [warmup_factor(step, warmup_steps=3) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert warmup_factor(0, warmup_steps=0) == 1.0


def test_the_warm_up_of_the_paper_starts_at_a_tenth_and_takes_ten_steps():
    factors = [warmup_factor(step, warmup_steps=10, start=0.1) for step in range(12)]

    assert factors[0] == 0.1
    assert factors[5] == pytest.approx(0.55)
    assert factors[9] == pytest.approx(0.91)
    assert factors[10] == factors[11] == 1.0


def test_the_cosine_falls_from_one_to_its_floor_at_the_last_step():
    factors = [cosine_factor(step, total_steps=5, floor=0.1) for step in range(6)]

    assert factors[0] == 1.0
    assert factors[2] == pytest.approx(0.55)  # half way between 1 and the floor
    assert factors[4] == factors[5] == pytest.approx(0.1)
    assert factors == sorted(factors, reverse=True)
    assert cosine_factor(0, total_steps=1, floor=0.1) == 1.0
