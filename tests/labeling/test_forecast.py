"""Forecasts: what they are taken from, how wide they are, and when there is none."""

from datetime import date, timedelta

from labeling.forecast import forecast

TODAY = date(2026, 3, 20)  # a Friday


def days(*counts, until=TODAY - timedelta(days=1)):
    """Counts of consecutive days, the last of them yesterday."""
    return [(until - timedelta(days=back), n) for back, n in enumerate(reversed(counts))]


def test_an_even_pace_gives_the_day_on_which_it_is_done_and_no_width():
    found = forecast(100, days(10, 10, 10, 10, 10), today=TODAY)

    assert (found.expected, found.earliest, found.latest) == (date(2026, 3, 30),) * 3
    assert (found.per_day, found.days, found.reason) == (10, 5, "")


def test_an_uneven_pace_gives_a_range_around_the_expected_day():
    found = forecast(300, days(5, 15, 8, 12, 10, 6, 14), today=TODAY)

    assert found.expected == date(2026, 4, 19)  # 300 at 10 a day
    assert date(2026, 4, 8) <= found.earliest < found.expected < found.latest <= date(2026, 5, 6)


def test_the_range_holds_about_four_times_out_of_five():
    import random

    random_ = random.Random(5)
    held = 0
    for _ in range(400):
        past = [random_.gauss(50, 12) for _ in range(7)]
        found = forecast(500, days(*[round(n) for n in past]), today=TODAY)
        done, day = 0.0, TODAY
        while done < 500:
            done += random_.gauss(50, 12)
            day += timedelta(days=1)
        held += found.earliest <= day <= found.latest

    # Whole days make it a little wider than 80 %.
    assert 0.78 <= held / 400 <= 0.95


def test_the_last_seven_days_with_work_count_and_today_does_not():
    found = forecast(100, [*days(900, 10, 10, 10, 10, 10, 10, 10), (TODAY, 900)], today=TODAY)

    assert (found.per_day, found.days) == (10, 7)


def test_days_without_work_make_it_later():
    working_days = [(TODAY - timedelta(days=back), 10) for back in (1, 2, 3, 4, 7, 8, 9)]

    found = forecast(70, working_days, today=TODAY)

    assert found.expected == TODAY + timedelta(days=9)  # seven such days, at seven in nine


def test_too_few_days_give_none_and_say_so():
    assert forecast(100, days(10, 10), today=TODAY) == forecast(100, days(3, 0, 2), today=TODAY)
    assert forecast(100, days(10, 10), today=TODAY).reason == "few"
    assert forecast(100, [], today=TODAY).days == 0


def test_nothing_wanted_and_nobody_at_work_give_none():
    assert forecast(0, days(10, 10, 10), today=TODAY).reason == "done"
    long_ago = days(10, 10, 10, until=TODAY - timedelta(days=15))
    assert forecast(100, long_ago, today=TODAY).reason == "idle"


def test_a_pace_that_may_be_nothing_has_no_latest_day_and_one_over_ten_years_no_day_at_all():
    wild = forecast(1000, days(1, 90, 2), today=TODAY)
    slow = forecast(1_000_000, days(1, 1, 1), today=TODAY)

    assert wild.expected and wild.earliest and wild.latest is None
    assert (slow.expected, slow.earliest, slow.latest) == (None, None, None)
