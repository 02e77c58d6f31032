import random
from itertools import combinations

import pytest

from labeling.errors import DomainError
from training import simulation

_draws = random.Random(0)
SLATES = [[_draws.gauss(0, 1) for _ in range(4)] for _ in range(200)]


def test_the_noise_makes_two_judges_agree_as_often_as_wanted():
    scale = simulation.scale_for_agreement(SLATES, 0.73)
    rng = random.Random(1)

    alike = total = 0
    for slate in SLATES * 10:
        one, two = (simulation.noisy_places(slate, scale, rng) for _ in range(2))
        for a, b in combinations(range(4), 2):
            alike += (one[a] < one[b]) == (two[a] < two[b])
            total += 1

    assert simulation.agreement(SLATES, scale) == pytest.approx(0.73, abs=1e-6)
    assert alike / total == pytest.approx(0.73, abs=0.01)


def test_the_accuracy_allowed_is_what_the_true_order_reaches_against_a_noisy_judge():
    scale = simulation.scale_for_agreement(SLATES, 0.73)
    rng = random.Random(2)

    right = total = 0
    for slate in SLATES * 10:
        places = simulation.noisy_places(slate, scale, rng)
        for a, b in combinations(range(4), 2):
            right += (slate[a] > slate[b]) == (places[a] < places[b])
            total += 1

    assert right / total == pytest.approx(simulation.accuracy_allowed_by_noise(SLATES, scale), abs=0.01)


def test_without_noise_places_follow_the_preference_and_equals_tie():
    assert simulation.noisy_places([0.5, 2.0, 0.5, -1.0], 0.0, random.Random(0)) == [2, 1, 2, 3]


def test_when_too_many_pairs_are_equally_good_there_is_no_noise_to_add():
    assert simulation.scale_for_agreement([[1.0, 1.0, 1.0]], 0.73) == 0.0


def test_the_default_preference_likes_a_finished_plain_answer_to_the_question():
    preference = simulation.load_preference()
    prompt = [{"role": "user", "content": "Why do leaves change color in autumn?"}]

    good = "Leaves change color in autumn because the tree stops making green chlorophyll, and yellow shows."
    for worse in (
        "",
        "Sure! " + good,
        good[:-20],
        "Bread is baked from flour, water and salt in a hot oven for an hour.",
        good + " Leaves change color in autumn." * 12,
    ):
        assert preference(prompt, good) > preference(prompt, worse)


def test_a_missing_file_and_a_file_without_the_function_are_refused(tmp_path):
    empty = tmp_path / "empty.py"
    empty.write_text("x = 1\n")

    with pytest.raises(DomainError, match="no preference file"):
        simulation.load_preference(tmp_path / "none.py")
    with pytest.raises(DomainError, match="no function preference"):
        simulation.load_preference(empty)
