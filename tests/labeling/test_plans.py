"""A plan's arithmetic against figures worked out by hand, and what it promises against simulated people."""

import random
from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import sqrt

import pytest

from labeling.agreement import pairwise_agreement
from labeling.plans import Workload, alternatives, last_day, usual_minutes
from tests.labeling.test_agreement import judged

PLAN = Workload(
    prompts=2000,
    completions_per_prompt=6,
    overlap_share=0.0,
    overlap_people=2,
    minutes=6.5,
    people=12,
    hours_a_day=4,
    hourly_rate=Decimal("25.00"),
)


@pytest.mark.parametrize(
    "share, people, hours", [(0.0, 2, 217), (1.0, 2, 433), (0.15, 3, 282), (1.0, 1, 217)]
)
def test_two_thousand_prompts_of_six_outputs(share, people, hours):
    assert round(replace(PLAN, overlap_share=share, overlap_people=people).hours) == hours


def test_cost_is_hours_at_the_rate_and_nothing_is_said_without_one():
    assert PLAN.cost == Decimal("5416.67")
    assert PLAN.cost_of_a_judgment == Decimal("2.71")
    assert (replace(PLAN, hourly_rate=None).cost, replace(PLAN, hourly_rate=None).cost_of_a_judgment) == (
        None,
        None,
    )


def test_days_are_whole_and_everybody_works_on_each():
    # 216.7 hours by 12 people for 4 hours: 4.5 days.
    assert PLAN.working_days == 5
    assert replace(PLAN, prompts=480, minutes=6, people=12, hours_a_day=4).working_days == 1


@pytest.mark.parametrize(
    "begin, days, end",
    [
        (date(2026, 6, 1), 1, date(2026, 6, 1)),  # a Monday
        (date(2026, 6, 1), 5, date(2026, 6, 5)),
        (date(2026, 6, 1), 6, date(2026, 6, 8)),
        (date(2026, 6, 4), 3, date(2026, 6, 8)),  # Thursday, Friday, Monday
        (date(2026, 6, 6), 1, date(2026, 6, 8)),  # a Saturday
        (date(2026, 6, 7), 10, date(2026, 6, 19)),  # a Sunday
        (date(2026, 6, 1), 26_001, None),
    ],
)
def test_the_last_of_so_many_working_days(begin, days, end):
    assert last_day(begin, days) == end


def test_the_last_day_is_that_of_counting_one_by_one():
    for start in range(7):
        begin = date.fromordinal(date(2026, 6, 1).toordinal() + start)
        for days in range(1, 40):
            workdays = [d for n in range(80) if (d := date.fromordinal(begin.toordinal() + n)).weekday() < 5]
            assert last_day(begin, days) == workdays[days - 1]


def test_agreement_is_known_from_shared_tasks_alone():
    shared = replace(PLAN, overlap_share=0.15, overlap_people=3)

    assert (shared.shared_tasks, shared.effective_pairs) == (300, 900)
    assert shared.agreement_half_width(0.726) == pytest.approx(1.96 * sqrt(0.726 * 0.274 / 900))
    assert shared.agreement_half_width(0.726) == pytest.approx(0.0291, abs=1e-4)
    assert PLAN.agreement_half_width() is None
    assert replace(PLAN, overlap_share=1.0, overlap_people=1).agreement_half_width() is None


def test_a_win_rate_counts_prompts():
    assert PLAN.win_rate_half_width == pytest.approx(0.0219, abs=1e-4)


@pytest.mark.parametrize("outputs, people", [(2, 2), (4, 2), (6, 3), (9, 2)])
def test_what_is_promised_is_kept_and_not_by_far_too_much(outputs, people):
    """Two and three people with InstructGPT's agreement over 300 tasks, as in a plan of 300 shared tasks."""
    found = pairwise_agreement(
        judged(random.Random(3), tasks=300, outputs=outputs, people=people, noise=0.65)
    )
    plan = replace(
        PLAN, prompts=300, completions_per_prompt=outputs, overlap_share=1.0, overlap_people=people
    )

    promised = plan.agreement_half_width(found.share)
    assert 0.4 * promised < found.half_width < 1.05 * promised


def test_minutes_before_anything_is_measured_grow_with_what_is_read():
    assert [round(usual_minutes(k), 2) for k in (2, 4, 6, 9)] == [2.17, 4.33, 6.5, 9.75]


def test_other_overlaps_change_nothing_else():
    found = {
        name: (round(other.hours), other.prompts, other.people)
        for name, other in alternatives(replace(PLAN, overlap_share=0.5)).items()
    }

    assert found == {"none": (217, 2000, 12), "some": (282, 2000, 12), "all": (433, 2000, 12)}
