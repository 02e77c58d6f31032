from datetime import date
from decimal import Decimal

import pytest

from labeling import actions, timesheet_queries
from labeling.errors import Conflict, DomainError
from labeling.models import TimesheetLine
from tests.labeling.at_work import open_period, set_rate, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed(project, annotator, manager):
    """Ada worked an hour at 20 €; by now she gets 30."""
    set_rate(project, manager, "20", user=annotator)
    set_rate(project, manager, "30", user=annotator, valid_from=date(2026, 1, 16))
    work(annotator, project, 3600)
    return actions.close_period(period=open_period(project, manager), actor=manager)


@pytest.fixture
def following(project, manager, closed):
    return open_period(project, manager, date(2026, 1, 16), date(2026, 1, 31))


def correct(period, user, author, **fields):
    return actions.correct_period(
        period=period, user=user, author=author, **({"reason": "The clock stood."} | fields)
    )


def test_a_correction_is_a_line_in_the_open_period_at_the_rate_of_then(closed, following, annotator, manager):
    line = correct(closed, annotator, manager, minutes=90, tasks=1)

    assert (line.period, line.corrects) == (following, closed)
    assert (line.seconds, line.tasks, line.rate, line.amount) == (5400, 1, Decimal("20"), Decimal("30.00"))
    assert [one.amount for one in timesheet_queries.lines_of(closed)] == [Decimal("20.00")]
    assert list(timesheet_queries.corrections_of(closed)) == [line]
    assert timesheet_queries.total_of(timesheet_queries.lines_of(following)).amounts == {
        "EUR": Decimal("30.00")
    }


def test_it_may_take_off_and_name_its_own_amount(closed, following, annotator, manager):
    line = correct(closed, annotator, manager, minutes=-30, amount=Decimal("-7.5"))

    assert (line.seconds, line.amount) == (-1800, Decimal("-7.50"))


def test_it_is_there_once_when_its_period_is_closed_too(closed, following, project, annotator, manager):
    correct(closed, annotator, manager, minutes=60)
    work(annotator, project, 3600, "2026-01-20 10:00")

    actions.close_period(period=following, actor=manager)

    following.refresh_from_db()
    lines = timesheet_queries.lines_of(following)
    assert [(line.amount, line.reason) for line in lines] == [
        (Decimal("30.00"), ""),
        (Decimal("20.00"), "The clock stood."),
    ]
    with pytest.raises(Conflict, match="next period"):
        correct(closed, annotator, manager, minutes=1)


def test_somebody_who_had_no_line_is_paid_by_the_rates(closed, following, second_annotator, project, manager):
    with pytest.raises(DomainError, match="currency"):
        correct(closed, second_annotator, manager, amount=Decimal("5"))
    set_rate(project, manager, "12")

    assert correct(closed, second_annotator, manager, minutes=30).amount == Decimal("6.00")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"reason": " ", "minutes": 1}, "no_reason"),
        ({"reason": "\x00", "minutes": 1}, "bad_character"),
        ({}, "changes_nothing"),
        ({"minutes": 10**9}, "too_much"),
        ({"tasks": -(10**9)}, "too_much"),
        ({"amount": Decimal("1e11")}, "too_much"),
        ({"amount": Decimal("0.001")}, "bad_amount"),
    ],
)
def test_what_is_no_correction_is_refused(closed, following, annotator, manager, fields, code):
    with pytest.raises(DomainError) as refusal:
        correct(closed, annotator, manager, **fields)

    assert refusal.value.code == code
    assert TimesheetLine.objects.count() == 1


def test_an_open_period_is_not_corrected_nor_removed_once_it_pays_a_correction(
    closed, following, annotator, manager
):
    with pytest.raises(Conflict, match="still open"):
        correct(following, annotator, manager, minutes=1)
    correct(closed, annotator, manager, minutes=1)

    with pytest.raises(Conflict, match="stays"):
        actions.remove_period(period=following, actor=manager)
