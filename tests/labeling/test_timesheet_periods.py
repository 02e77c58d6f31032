"""Opening, closing and removing periods; what is closed stays."""

import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from labeling import actions, days, timesheet_queries
from labeling.errors import Conflict, DomainError
from labeling.models import TimesheetLine, TimesheetPeriod
from tests.labeling.at_work import BEGIN, END, open_period, review, set_rate, submit, work

pytestmark = pytest.mark.django_db


def facts(lines):
    return [(line.user_id, line.seconds, line.tasks, line.accepted, line.rate, line.amount) for line in lines]


@pytest.mark.parametrize(
    ("begin", "end", "code"),
    [
        (date(2026, 2, 2), date(2026, 2, 1), "bad_period"),
        (date(2026, 2, 1), date(2027, 2, 2), "bad_period"),
        (date(1026, 2, 1), date(2026, 2, 1), "bad_day"),
        (BEGIN, BEGIN, "overlaps"),
        (END, date(2026, 2, 1), "overlaps"),
        (date(2025, 12, 1), date(2026, 2, 1), "overlaps"),
    ],
)
def test_what_is_no_period_is_refused(project, manager, begin, end, code):
    open_period(project, manager)

    with pytest.raises(DomainError) as refusal:
        open_period(project, manager, begin, end)

    assert refusal.value.code == code
    assert TimesheetPeriod.objects.count() == 1


def test_periods_may_touch_and_other_projects_have_their_own(project, manager):
    other = actions.create_project(name="Other", creator=None)

    open_period(project, manager)
    open_period(project, manager, date(2026, 1, 16), date(2026, 1, 16))
    open_period(other, manager)

    assert TimesheetPeriod.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_that_overlap_one_is_opened(project, manager):
    barrier, refused = threading.Barrier(2), []

    def open_it(begin):
        try:
            barrier.wait()
            open_period(project, manager, begin, END)
        except DomainError as error:
            refused.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=open_it, args=[date(2026, 1, day)]) for day in (3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refused == ["overlaps"]
    assert TimesheetPeriod.objects.count() == 1


def test_closing_freezes_what_was_shown(project, annotator, second_annotator, manager):
    period = open_period(project, manager)
    set_rate(project, manager, "18.5")
    work(annotator, project, 5000)
    work(second_annotator, project, 60)
    review(submit(annotator, project), manager, "accepted")
    waiting = submit(annotator, project)
    shown = facts(timesheet_queries.lines_of(period))

    closed = actions.close_period(period=period, actor=manager)
    set_rate(project, manager, "99")
    actions.set_paid_by(project=project, paid_by="task", actor=manager)
    review(waiting, manager, "accepted", "2026-11-01 10:00")

    assert (closed.closed_by, closed.closed_at is None) == (manager, False)
    assert facts(timesheet_queries.lines_of(closed)) == shown
    assert shown[0] == (annotator.pk, 5000, 2, 1, Decimal("18.5"), Decimal("25.69"))
    assert TimesheetLine.objects.count() == 2


def test_what_comes_later_falls_into_the_next_period(project, annotator, manager):
    first = open_period(project, manager)
    waiting = submit(annotator, project)
    actions.close_period(period=first, actor=manager)
    second = open_period(project, manager, date(2026, 1, 16), date(2026, 1, 31))

    review(waiting, manager, "accepted", "2026-01-17 10:00")
    submit(annotator, project, "2026-01-18 10:00")

    assert [(line.tasks, line.accepted) for line in timesheet_queries.lines_of(second)] == [(1, 1)]


def test_it_cannot_be_closed_before_its_last_day_is_over_where_the_project_is(project, manager, monkeypatch):
    project.time_zone = "Asia/Shanghai"
    project.save()
    period = open_period(project, manager)
    monkeypatch.setattr(days.timezone, "now", lambda: datetime(2026, 1, 15, 15, 59, tzinfo=UTC))

    with pytest.raises(Conflict, match="from 2026-01-16 on"):
        actions.close_period(period=period, actor=manager)

    monkeypatch.setattr(days.timezone, "now", lambda: datetime(2026, 1, 15, 16, tzinfo=UTC))
    assert actions.close_period(period=period, actor=manager).closed_at


def test_closing_twice_is_closing_once(project, annotator, manager, engineer):
    period = open_period(project, manager)
    work(annotator, project, 60)

    first = actions.close_period(period=period, actor=manager)
    second = actions.close_period(period=period, actor=engineer)

    assert (second.closed_by, second.closed_at) == (manager, first.closed_at)
    assert TimesheetLine.objects.count() == 1


def test_an_open_period_can_be_removed_and_a_closed_one_cannot(project, annotator, manager):
    period = open_period(project, manager)
    work(annotator, project, 60)
    actions.remove_period(period=period, actor=manager)
    assert not TimesheetPeriod.objects.exists()

    again = actions.close_period(period=open_period(project, manager), actor=manager)
    with pytest.raises(Conflict, match="closed"):
        actions.remove_period(period=again, actor=manager)

    assert [line.seconds for line in timesheet_queries.lines_of(again)] == [60]


def test_the_database_refuses_what_no_action_writes(project, annotator, manager):
    period = open_period(project, manager)
    line = {"period": period, "user": annotator, "begin": BEGIN, "end": END, "paid_by": "hour"}
    broken = [
        {"seconds": -1, "tasks": 0, "accepted": 0},
        {"seconds": 1, "tasks": 0, "accepted": 0, "reason": "Why?"},
        {"seconds": 1, "tasks": 0, "accepted": 0, "corrects": period, "author": manager, "reason": " "},
        {"seconds": 1, "tasks": 0, "accepted": 0, "amount": Decimal(1)},
    ]

    for fields in broken:
        with pytest.raises(IntegrityError), transaction.atomic():
            TimesheetLine.objects.create(**line, **fields)
    for fields in ({"closed_at": datetime.now(UTC)}, {"end": date(2025, 1, 1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            TimesheetPeriod.objects.update(**fields)
