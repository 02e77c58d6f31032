"""What a sheet says of each person: time, tasks, what was accepted, and money."""

from datetime import date
from decimal import Decimal

import pytest

from labeling import actions, timesheet_queries
from labeling.models import Project
from labeling.timesheet_queries import Pay
from tests.labeling.at_work import BEGIN, open_period, review, set_rate, submit, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def period(project, manager):
    return open_period(project, manager)


def lines_of(period):
    period.project.refresh_from_db()
    return timesheet_queries.lines_of(period)


def test_a_line_is_the_period_s_time_and_first_revisions_of_a_person(
    period, project, annotator, second_annotator
):
    work(annotator, project, 3600, "2026-01-01 00:00")
    work(annotator, project, 900, "2026-01-15 23:45")
    work(annotator, project, 111, "2025-12-31 23:45")
    work(annotator, project, 222, "2026-01-16 00:00")
    work(second_annotator, project, 60)
    first = submit(annotator, project, "2026-01-15 23:59")
    submit(annotator, project, "2026-01-16 00:00")
    actions.submit_demonstration(assignment=first.assignment, text="Better.", idempotency_key="again")

    ada, ben = lines_of(period)

    assert (ada.user, ada.seconds, ada.tasks, ada.accepted) == (annotator, 4500, 1, 0)
    assert (ben.user, ben.seconds, ben.tasks) == (second_annotator, 60, 0)
    assert (ada.rate, ada.amount) == (None, None)


def test_days_are_the_project_s(project, annotator, manager):
    Project.objects.update(time_zone="Asia/Kolkata")  # its day begins at 18:30 UTC
    project.refresh_from_db()
    period = open_period(project, manager)
    work(annotator, project, 1, "2025-12-31 18:15")
    work(annotator, project, 10, "2025-12-31 18:30")
    work(annotator, project, 100, "2026-01-15 18:15")
    work(annotator, project, 1000, "2026-01-15 18:30")

    (line,) = lines_of(period)

    assert line.seconds == 110


def test_other_projects_are_other_sheets(period, project, annotator):
    elsewhere = actions.create_project(name="Elsewhere", creator=None)
    work(annotator, elsewhere, 60)

    assert lines_of(period) == []


def test_accepted_counts_when_it_is_reviewed_and_what_is_taken_back_counts_against_it(
    period, project, annotator, manager
):
    next_period = open_period(project, manager, date(2026, 1, 16), date(2026, 1, 31))
    kept, taken_back, late, twice = (submit(annotator, project) for _ in range(4))
    review(kept, manager, "accepted")
    review(taken_back, manager, "accepted", "2026-01-07 10:00")
    review(taken_back, manager, "returned", "2026-01-20 10:00")
    review(late, manager, "accepted", "2026-01-16 00:00")
    review(twice, manager, "accepted", "2026-01-08 10:00")
    review(twice, manager, "returned", "2026-01-08 11:00")
    review(twice, manager, "accepted", "2026-01-08 12:00")

    assert [line.accepted for line in lines_of(period)] == [3]
    assert [(line.tasks, line.accepted) for line in lines_of(next_period)] == []  # one more, one less

    review(late, manager, "returned", "2026-01-21 10:00")
    assert [line.accepted for line in lines_of(next_period)] == [-1]


def test_money_is_rounded_once_a_line_and_sums_match(period, project, annotator, second_annotator, manager):
    set_rate(project, manager, "10.01")
    work(annotator, project, 1799)
    work(annotator, project, 1, "2026-01-06 10:00")
    work(second_annotator, project, 1800)

    lines = lines_of(period)

    # Half an hour is 5.005: halves go up.
    assert [line.amount for line in lines] == [Decimal("5.01"), Decimal("5.01")]
    assert timesheet_queries.total_of(lines).amounts == {"EUR": Decimal("10.02")}


def test_by_the_accepted_task(period, project, annotator, manager):
    actions.set_paid_by(project=project, paid_by="task", actor=manager)
    set_rate(project, manager, "0.125")
    work(annotator, project, 36_000)
    for _ in range(3):
        review(submit(annotator, project), manager, "accepted")

    (line,) = lines_of(period)

    assert (line.paid_by, line.accepted, line.amount) == ("task", 3, Decimal("0.38"))


def test_one_s_own_rate_comes_first_and_the_newest_of_a_day_holds(
    period, project, annotator, second_annotator, manager
):
    set_rate(project, manager, "10")
    set_rate(project, manager, "11", user=annotator)
    set_rate(project, manager, "12", user=annotator)
    set_rate(project, manager, "99", user=annotator, valid_from=date(2026, 1, 16))
    work(annotator, project, 3600)
    work(second_annotator, project, 3600)

    assert [line.amount for line in lines_of(period)] == [Decimal("12.00"), Decimal("10.00")]


def test_without_any_the_hourly_rate_holds_that_the_project_was_planned_with(project, annotator, manager):
    project.hourly_rate, project.currency = Decimal(9), "USD"

    assert timesheet_queries.rate_of(annotator, project, BEGIN) == Pay(Decimal(9), "USD")
    project.paid_by = "task"
    assert timesheet_queries.rate_of(annotator, project, BEGIN) == Pay()
    set_rate(project, manager, "0.5")
    assert timesheet_queries.rate_of(annotator, project, BEGIN) == Pay(Decimal("0.5"), "EUR")


def test_a_line_is_parted_where_the_person_s_rate_changes(
    period, project, annotator, second_annotator, manager
):
    set_rate(project, manager, "10")
    set_rate(project, manager, "20", user=annotator, valid_from=date(2026, 1, 10))
    for user in (annotator, second_annotator):
        work(user, project, 3600, "2026-01-09 23:45")
        work(user, project, 3600, "2026-01-10 00:00")

    lines = [(str(line.user), line.begin.day, line.end.day, line.amount) for line in lines_of(period)]

    assert lines == [
        ("Ada", 1, 9, Decimal("10.00")),
        ("Ada", 10, 15, Decimal("20.00")),
        ("Ben", 1, 15, Decimal("20.00")),
    ]


def test_sums_are_by_currency_and_say_who_has_no_rate(
    period, project, annotator, second_annotator, person, manager
):
    third = person("Cleo")
    set_rate(project, manager, "10", user=annotator)
    set_rate(project, manager, "1000", user=second_annotator, currency="JPY")
    for user in (annotator, second_annotator, third):
        work(user, project, 3600)

    total = timesheet_queries.total_of(lines_of(period))

    assert total.amounts == {"EUR": Decimal("10.00"), "JPY": Decimal("1000.00")}
    assert (total.people, total.seconds, total.without_rate) == (3, 10_800, [third])


def test_a_sheet_of_many_people_costs_the_same_queries_as_one_of_few(
    period, project, person, manager, django_assert_num_queries
):
    work(person("P0", "annotator", project=project), project, 60)
    timesheet_queries.lines_of(period)
    with django_assert_num_queries(6):
        timesheet_queries.lines_of(period)
    for number in range(1, 6):
        work(person(f"P{number}", "annotator", project=project), project, 60)

    with django_assert_num_queries(6):
        assert len(timesheet_queries.lines_of(period)) == 6
