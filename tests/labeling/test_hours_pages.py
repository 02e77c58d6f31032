"""Managers' pages of hours, and one's own: the same numbers."""

import csv
import io
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from labeling import actions
from labeling.models import Project, Rate, TimesheetLine, TimesheetPeriod
from tests.labeling.at_work import open_period, review, set_rate, submit, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def period(project, manager):
    return open_period(project, manager)


def page_of(client, name, *arguments):
    answer = client.get(reverse(name, args=arguments))
    assert answer.status_code == 200
    return answer.content.decode()


def cells(page, *, after=""):
    """The numbers of the first line that has this text, as they are shown."""
    row = re.search(
        rf"<tr>(?:(?!</tr>).)*{re.escape(after)}.*?</tr>", page.partition("<tbody>")[2], re.DOTALL
    )
    columns = re.findall(r'<td class="number[^"]*">(.*?)</td>', row[0], re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", column).split()) for column in columns]


@pytest.mark.parametrize("is_closed", [False, True])
def test_what_people_see_of_themselves_is_what_their_manager_sees(
    client_for, period, project, annotator, second_annotator, manager, is_closed
):
    set_rate(project, manager, "21.37")
    set_rate(project, manager, "19", user=second_annotator)
    for user, seconds in ((annotator, 7321), (second_annotator, 5555)):
        work(user, project, seconds)
        review(submit(user, project), manager, "accepted")
        submit(user, project)
    if is_closed:
        actions.close_period(period=period, actor=manager)

    sheet = page_of(client_for(manager), "timesheet", period.public_id)

    assert cells(sheet, after="Ada") == ["2:02:01", "2", "1", "21.37 EUR by the hour", "43.46 EUR"]
    for user in (annotator, second_annotator):
        own = page_of(client_for(user), "my-hours")
        assert cells(own) == cells(sheet, after=user.name)
        assert own.count("<tbody>") == 1 and own.count("2026-01-01 – 2026-01-15") >= 1
        others = {"Ada", "Ben"} - {user.name}
        assert not [name for name in others if f"<bdi>{name}" in own]


def test_one_s_own_page_has_every_project_and_says_when_there_is_nothing(
    client_for, project, annotator, outsider, manager
):
    assert "No periods yet" in page_of(client_for(annotator), "my-hours")

    open_period(project, manager)
    other = actions.create_project(name="Another one", creator=None)
    open_period(other, manager, date(2026, 2, 1), date(2026, 2, 28))
    work(annotator, other, 60, "2026-02-02 10:00")

    page = page_of(client_for(annotator), "my-hours")
    assert "Another one" in page and "Helpful answers" in page
    assert "Nothing of yours in these days." in page
    assert "No periods yet" in page_of(client_for(outsider), "my-hours")


def test_home_and_the_history_lead_to_it(client_for, project, annotator):
    work(annotator, project, 60, f"{timezone.now():%Y-%m-%d} 00:00")
    client = client_for(annotator)

    for name in ("home", "history"):
        assert reverse("my-hours") in page_of(client, name)


def test_a_period_is_opened_from_what_is_suggested(client_for, project, manager):
    client = client_for(manager)
    page = page_of(client, "manage-hours", project.public_id)
    today = timezone.now().date()
    assert f'value="{today.replace(day=1)}"' in page

    answer = client.post(
        reverse("manage-hours", args=[project.public_id]), {"begin": "2026-01-01", "end": "2026-01-15"}
    )

    period = TimesheetPeriod.objects.get()
    assert answer.url == reverse("timesheet", args=[period.public_id])
    assert 'value="2026-01-16"' in page_of(client, "manage-hours", project.public_id)
    assert 'value="2026-01-31"' in page_of(client, "manage-hours", project.public_id)


def test_a_refused_period_comes_back_with_what_is_wrong(client_for, project, period, manager):
    answer = client_for(manager).post(
        reverse("manage-hours", args=[project.public_id]), {"begin": "2026-01-10", "end": "2026-01-20"}
    )

    assert answer.status_code == 400
    assert "These days belong to the period 2026-01-01 – 2026-01-15 already" in answer.content.decode()


def test_closing_by_the_button_and_the_reason_why_not(client_for, project, annotator, manager):
    today = timezone.now().date()
    running = open_period(project, manager, today, today + timedelta(days=1))
    over = open_period(project, manager)
    work(annotator, project, 60)
    client = client_for(manager)

    early = client.post(reverse("close-timesheet", args=[running.public_id]), follow=True)
    client.post(reverse("close-timesheet", args=[over.public_id]))

    assert "It is not over yet" in early.content.decode()
    assert "Close period" not in page_of(client, "timesheet", running.public_id)
    assert list(TimesheetPeriod.objects.filter(closed_at=None)) == [running]
    page = page_of(client, "timesheet", over.public_id)
    assert "Closed by Mia" in page and "Nobody has set a rate for:" in page


def test_removing_by_the_button(client_for, project, period, manager):
    client = client_for(manager)

    answer = client.post(reverse("remove-timesheet", args=[period.public_id]))

    assert answer.url == reverse("manage-hours", args=[project.public_id])
    assert not TimesheetPeriod.objects.exists()


def test_rates_are_set_and_listed(client_for, project, annotator, manager):
    client = client_for(manager)
    address = reverse("set-rate", args=[project.public_id])
    sent = {"amount": "21.125", "currency": "eur", "valid_from": "2026-01-01"}

    client.post(address, sent | {"person": str(annotator.public_id)})
    client.post(address, sent | {"person": "", "amount": "10"})
    refused = client.post(address, sent | {"currency": "E1R"})
    client.post(reverse("set-paid-by", args=[project.public_id]), {"paid_by": "task"})

    assert refused.status_code == 400 and "such as EUR, USD or CNY" in refused.content.decode()
    assert list(Rate.objects.order_by("pk").values_list("user", "currency")) == [
        (annotator.pk, "EUR"),
        (None, "EUR"),
    ]
    page = page_of(client, "manage-hours", project.public_id)
    assert "21.125 EUR" in page and "10.00 EUR" in page
    assert Project.objects.get(pk=project.pk).paid_by == "task"


def test_the_rate_that_the_project_was_planned_with_is_told_beside_those_set_here(
    client_for, project, manager
):
    client = client_for(manager)
    assert "an hour is paid with" not in page_of(client, "manage-hours", project.public_id)
    project.hourly_rate, project.currency = Decimal("21.5"), "EUR"
    project.save()

    assert "an hour is paid with 21.50 EUR" in page_of(client, "manage-hours", project.public_id)


def test_a_pay_that_there_is_not_changes_nothing(client_for, project, manager):
    answer = client_for(manager).post(
        reverse("set-paid-by", args=[project.public_id]), {"paid_by": "luck"}, follow=True
    )

    assert "nothing was changed" in answer.content.decode()


def test_a_correction_by_the_form_stands_on_both_sheets_and_with_the_person(
    client_for, project, period, annotator, manager
):
    set_rate(project, manager, "20")
    work(annotator, project, 3600)
    actions.close_period(period=period, actor=manager)
    following = open_period(project, manager, date(2026, 1, 16), date(2026, 1, 31))
    client = client_for(manager)
    sent = {"person": str(annotator.public_id), "minutes": "30", "tasks": "0", "accepted": "0", "amount": ""}
    address = reverse("correct-timesheet", args=[period.public_id])

    refused = client.post(address, sent | {"minutes": "0", "reason": "None."})
    client.post(address, sent | {"reason": "The clock <stood>."})

    assert refused.status_code == 400 and "It changes nothing" in refused.content.decode()
    line = TimesheetLine.objects.get(reason="The clock <stood>.")
    assert str(line.amount) == "10.00"
    for page in (
        page_of(client, "timesheet", period.public_id),
        page_of(client, "timesheet", following.public_id),
        page_of(client_for(annotator), "my-hours"),
    ):
        assert "The clock &lt;stood&gt;." in page


def test_the_csv_has_the_page_s_lines_and_no_formula(client_for, project, period, annotator, manager):
    annotator.name = '=HYPERLINK("x")'
    annotator.save()
    set_rate(project, manager, "20")
    work(annotator, project, 4000)
    submit(annotator, project)

    answer = client_for(manager).get(reverse("timesheet-csv", args=[period.public_id]))

    assert answer.streaming and answer["Content-Type"].startswith("text/csv")
    assert 'filename="hours-2026-01-01-2026-01-15.csv"' in answer["Content-Disposition"]
    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))
    assert row["person"] == '\'=HYPERLINK("x")'
    assert {name: row[name] for name in ("period_begin", "state", "active_seconds", "hours", "tasks")} == {
        "period_begin": "2026-01-01",
        "state": "open",
        "active_seconds": "4000",
        "hours": "1.1111",
        "tasks": "1",
    }
    assert (row["rate"], row["currency"], row["amount"]) == ("20.0000", "EUR", "22.22")


def test_only_managers_of_the_project_see_its_sheets(client_for, period, annotator, person):
    other = actions.create_project(name="Other", creator=None)
    stranger = person("Sam", "manager", project=other)

    for user in (annotator, stranger):
        for name in ("timesheet", "timesheet-csv"):
            assert client_for(user).get(reverse(name, args=[period.public_id])).status_code == 404
        assert client_for(user).post(reverse("close-timesheet", args=[period.public_id])).status_code == 404


def test_the_list_of_closed_periods_costs_the_same_queries_at_any_length(client_for, project, manager):
    from django.db import connection

    client, counts = client_for(manager), []
    for month in range(1, 7):
        period = open_period(project, manager, date(2025, month, 1), date(2025, month, 28))
        actions.close_period(period=period, actor=manager)
        if month in (2, 6):
            with CaptureQueriesContext(connection) as captured:
                page_of(client, "manage-hours", project.public_id)
            counts.append(len(captured))

    assert counts[0] == counts[1]
