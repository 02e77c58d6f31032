"""Pairwise agreement against cases worked out by hand, and its interval against simulated people."""

import random
import time

import pytest

from labeling.agreement import agreement_of_each, pairs_agreed, pairwise_agreement, wilson


def test_nobody_to_compare_with_gives_no_share():
    nothing = pairwise_agreement([("a", [[1, 2, 3]]), ("b", [])])

    assert (nothing.share, nothing.low, nothing.high, nothing.half_width) == (None, None, None, None)
    assert (nothing.pairs, nothing.tasks) == (0, 0)


def test_two_people_who_differ_in_one_of_three_pairs():
    found = pairwise_agreement([("a", [[1, 2, 3], [1, 3, 2]])])

    assert found.share == pytest.approx(2 / 3)
    assert (found.pairs, found.tasks) == (3, 1)


def test_a_pair_that_either_of_them_tied_is_left_out():
    # Of (1,2), (1,3), (2,3) the first person ties (2,3) and the second ties (1,2): (1,3) is left.
    found = pairwise_agreement([("a", [[1, 2, 2], [1, 1, 2]])])

    assert (found.share, found.pairs) == (1.0, 1)


def test_a_task_in_which_all_is_tied_counts_as_none():
    found = pairwise_agreement([("a", [[1, 1], [1, 2]]), ("b", [[1, 2], [2, 1]])])

    assert (found.share, found.pairs, found.tasks) == (0.0, 1, 1)


def test_three_people_are_three_pairs_of_people():
    # Two say A > B, one says B > A: one of the three pairs of people agrees.
    found = pairwise_agreement([("a", [[1, 2], [1, 2], [2, 1]])])

    assert found.share == pytest.approx(1 / 3)
    assert found.pairs == 3


def test_of_three_people_one_who_tied_leaves_the_other_two():
    found = pairwise_agreement([("a", [[1, 2], [1, 1], [2, 1]])])

    assert (found.share, found.pairs) == (0.0, 1)


def test_pairs_weigh_the_same_whatever_task_they_are_of():
    found = pairwise_agreement([("a", [[1, 2], [2, 1]]), ("b", [[1, 2, 3], [1, 2, 3]])])

    assert found.share == pytest.approx(3 / 4)
    assert (found.pairs, found.tasks) == (4, 2)


def test_places_of_another_number_of_outputs_are_an_error():
    with pytest.raises(ValueError, match="zip"):
        pairwise_agreement([("a", [[1, 2], [1, 2, 3]])])


@pytest.mark.parametrize(
    ("places", "reference", "agreed"),
    [
        ((1, 2, 3), (1, 2, 3), (3.0, 3)),
        ((3, 2, 1), (1, 2, 3), (0.0, 3)),
        ((1, 3, 2), (1, 2, 3), (2.0, 3)),
        ((1, 1, 2), (1, 2, 3), (2.5, 3)),
        ((1, 2, 3), (1, 1, 2), (2.0, 2)),
        ((2, 1), (1, 1), (0.0, 0)),
    ],
)
def test_a_tie_is_half_a_pair_and_one_of_the_reference_none(places, reference, agreed):
    assert pairs_agreed(places, reference) == agreed


def test_the_interval_of_wilson():
    assert wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_pairs_that_always_come_out_alike_within_a_task_are_worth_one_each():
    """Ten tasks in which all six pairs agree and ten in which none does: twenty cases, not 120."""
    alike, opposed = [[1, 2, 3, 4], [1, 2, 3, 4]], [[1, 2, 3, 4], [4, 3, 2, 1]]
    found = pairwise_agreement([(n, alike if n % 2 else opposed) for n in range(20)])

    assert (found.share, found.pairs, found.tasks) == (0.5, 120, 20)
    assert found.effective == pytest.approx(20)
    assert (found.low, found.high) == pytest.approx(wilson(0.5, 20))


def test_where_all_agree_the_interval_still_is_one():
    found = pairwise_agreement([(n, [[1, 2, 3], [1, 2, 3]]) for n in range(12)])

    assert (found.share, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(wilson(1.0, 12)[0])


def noisy_ranking(rng, qualities, noise):
    seen = [quality + rng.gauss(0, noise) for quality in qualities]
    order = sorted(range(len(seen)), key=lambda slot: -seen[slot])
    places = [0] * len(seen)
    for place, slot in enumerate(order, start=1):
        places[slot] = place
    return places


def judged(rng, *, tasks, outputs, people, noise):
    for task in range(tasks):
        qualities = [rng.gauss(0, 1) for _ in range(outputs)]
        yield task, [noisy_ranking(rng, qualities, noise) for _ in range(people)]


@pytest.mark.parametrize("outputs, people", [(2, 2), (4, 2), (6, 3)])
def test_nineteen_of_twenty_intervals_hold_the_truth(outputs, people):
    rng = random.Random(7)
    truth = pairwise_agreement(judged(rng, tasks=8000, outputs=outputs, people=people, noise=0.65)).share

    held = 0
    for _ in range(300):
        found = pairwise_agreement(judged(rng, tasks=50, outputs=outputs, people=people, noise=0.65))
        held += found.low <= truth <= found.high

    assert 0.68 < truth < 0.78
    assert 0.90 <= held / 300 <= 0.99  # 0.95 ± what 300 draws leave open


# --- of each person


def test_a_person_is_compared_with_every_other_of_the_task():
    # Of (1,2), (1,3), (2,3): 7 and 8 agree on two; 9 ties (1,2) and has the other pairs as 7 has them.
    found = agreement_of_each([{7: [1, 2, 3], 8: [2, 1, 3], 9: [1, 1, 2]}])

    assert (found[7].share, found[7].pairs, found[7].tasks) == (4 / 5, 5, 1)
    assert (found[8].share, found[8].pairs) == (4 / 5, 5)
    assert (found[9].share, found[9].pairs) == (1.0, 4)


def test_of_two_people_each_agrees_as_both_do():
    both = [{1: [1, 2, 3, 4], 2: [1, 2, 4, 3]}, {1: [1, 2], 2: [2, 1]}]

    found = agreement_of_each(both)

    assert found[1] == found[2] == pairwise_agreement(enumerate(list(one.values()) for one in both))


def test_whoever_was_never_compared_has_no_share():
    found = agreement_of_each([{1: [1, 1], 2: [1, 2]}])

    assert (found[1].share, found[1].pairs, found[1].tasks) == (None, 0, 0)


@pytest.mark.parametrize("outputs, people", [(2, 12), (4, 6)])
def test_nineteen_of_twenty_intervals_of_a_person_hold_the_truth(outputs, people):
    """Each task is one case, however many others did it."""
    rng = random.Random(7)

    def first_person(tasks):
        found = judged(rng, tasks=tasks, outputs=outputs, people=people, noise=0.65)
        return agreement_of_each(dict(enumerate(places)) for _task, places in found)[0]

    truth = first_person(6000).share
    held = 0
    for _ in range(200):
        found = first_person(50)
        held += found.low <= truth <= found.high

    assert 0.90 <= held / 200 <= 0.99


def test_a_hundred_people_at_the_same_tasks_cost_no_pair_of_people_each():
    rng = random.Random(7)
    tasks = [{n: rng.sample(range(1, 7), 6) for n in range(100)} for _ in range(50)]

    begun = time.process_time()
    found = agreement_of_each(tasks)

    assert found[0].pairs == 50 * 99 * 15
    assert time.process_time() - begun < 1
