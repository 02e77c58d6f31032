"""Managers' tables as CSV: whole, by the page's filter, safe to open in a spreadsheet, in constant memory."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling import actions
from labeling.csv_answers import FORMULA_STARTS, ROWS_A_PIECE, cell, csv_answer
from labeling.csv_tables import TABLES
from labeling.models import Project, Prompt, Task
from tests.labeling.working import rank
from tests.making import make_demonstration_task, make_prompt, make_ranking_task


@pytest.fixture
def client(client_for, manager):
    return client_for(manager)


def table(client, project, name, **asked):
    answer = client.get(reverse("manage-csv", args=[project.public_id, name]), asked)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}.csv"'
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_a_text_that_a_spreadsheet_would_run_begins_with_an_apostrophe(start):
    assert cell(f"{start}1+1") == f"'{start}1+1"


def test_other_values_stand_as_they_are():
    assert cell("1 = 1") == "1 = 1"
    assert (cell(-3), cell(-0.5), cell(Decimal("-2.50"))) == ("-3", "-0.5", "-2.50")
    assert (cell(None), cell(True), cell(False)) == ("", "true", "false")
    assert cell(datetime(2026, 3, 5, 12, tzinfo=UTC)) == "2026-03-05T12:00:00+00:00"


def test_rows_are_sent_in_pieces_as_they_come():
    taken = []

    def rows():
        for n in range(3 * ROWS_A_PIECE):
            taken.append(n)
            yield [n]

    pieces = iter(csv_answer("numbers", ["n"], rows()).streaming_content)
    next(pieces)

    assert len(taken) < ROWS_A_PIECE
    assert sum(piece.count(b"\n") for piece in pieces) + ROWS_A_PIECE - 1 == 3 * ROWS_A_PIECE + 1


def test_every_table_has_its_columns_even_when_it_is_empty(client, project):
    for name, one in TABLES.items():
        answer = client.get(reverse("manage-csv", args=[project.public_id, name]))
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        assert text.splitlines()[0].split(",") == list(one.columns)


def test_an_unknown_table_is_not_there(client, project):
    assert client.get(reverse("manage-csv", args=[project.public_id, "secrets"])).status_code == 404


def test_progress_days_and_people(client, project, annotator):
    make_ranking_task(project)
    make_demonstration_task(project, category="chat")
    rank(annotator, project, seconds=1800)

    progress = table(client, project, "progress")
    (day,) = table(client, project, "days")
    (ada,) = table(client, project, "people")

    chat = progress[0]
    assert (chat["category"], chat["demonstrations_open"], chat["judgments_wanted"]) == ("chat", "1", "1")
    assert (progress[1]["rankings_complete"], progress[1]["prompts"]) == ("1", "1")
    assert (day["ranked"], day["active_hours"], day["cost"]) == ("1", "0.5", "")
    assert (ada["name"], ada["ranked"], ada["active_hours"]) == ("Ada", "1", "0.5")
    assert (ada["median_seconds_ranking"], ada["agreement"], ada["agreement_pairs"]) == ("1800.0", "", "0")


def test_tasks_and_prompts_by_the_filter_of_their_page(client, project):
    Project.objects.update(languages=["en", "zh"])
    make_ranking_task(project, prompt=make_prompt(project, "=cmd()", external_id="@id"))
    make_demonstration_task(project, language="zh", topics=["hate", "abuse"])

    tasks = table(client, project, "tasks")
    (in_chinese,) = table(client, project, "tasks", language="zh")
    (prompt,) = table(client, project, "prompts", language="en")

    assert [row["kind"] for row in tasks] == ["demonstrate", "rank"]
    assert (in_chinese["language"], in_chinese["topics"]) == ("zh", "abuse, hate")
    assert (prompt["text"], prompt["external_id"], prompt["turns"]) == ("'=cmd()", "'@id", "1")
    assert tasks[1]["prompt"] == prompt["prompt"]


def test_questions(client, project, annotator):
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    actions.ask_question(assignment=assignment, body="-1?\nReally?", idempotency_key="1")

    (row,) = table(client, project, "questions")

    assert (row["person"], row["question"], row["messages"], row["closed"]) == (
        "Ada",
        "'-1?\nReally?",
        "1",
        "",
    )


def test_who_was_invited_suspended_and_meant(client, project, manager, annotator, outsider):
    invited = actions.invite(project=project, actor=manager, roles=["annotator", "reviewer"], uses=2)
    actions.accept_invitation(key=invited.key, user=outsider)
    actions.create_task_set(project=project, name="For Ada", people=[annotator], group="", actor=manager)
    actions.suspend_member(project=project, user=outsider, actor=manager, reason="=Pasted", sets_aside=True)

    [invitation] = table(client, project, "invitations")
    [suspension] = table(client, project, "suspensions")
    [one_set] = table(client, project, "sets")

    assert (invitation["roles"], invitation["uses_left"]) == ("annotator, reviewer", "1")
    assert (invitation["state"], invitation["came_in"], invitation["made_by"]) == ("open", "Olga", "Mia")
    assert (suspension["name"], suspension["reason"], suspension["sets_aside"]) == (
        "Olga",
        "'=Pasted",
        "true",
    )
    assert (suspension["lifted"], suspension["lifted_by"]) == ("", "")
    assert tuple(one_set.values()) == ("For Ada", "", "Ada", "0", "0")


def test_the_people_of_the_newest_pilot(client, project, annotator, second_annotator):
    make_ranking_task(project)
    actions.start_pilot(project=project, actor=None, kind="rank", size=1)
    rank(annotator, project, seconds=90)

    rows = table(client, project, "pilot")

    assert [(row["name"], row["wanted"], row["submitted"], row["median_minutes"]) for row in rows] == [
        ("Ada", "1", "1", "1.5"),
        ("Ben", "1", "0", ""),
    ]


@pytest.mark.parametrize("name", ["tasks", "prompts"])
def test_a_long_table_costs_as_many_queries_as_a_short_one_and_has_all_rows(client, project, name):
    prompt = make_prompt(project)

    def add(n):
        Task.objects.bulk_create(Task(project=project, prompt=prompt, kind="rank") for _ in range(n))
        Prompt.objects.bulk_create(
            Prompt(project=project, author=prompt.author, messages=prompt.messages, dedupe_key=f"{n}-{i}")
            for i in range(n)
        )

    def cost():
        with CaptureQueriesContext(connection) as captured:
            rows = table(client, project, name)
        return len(captured), len(rows)

    add(2)
    few, _n = cost()
    add(1500)

    many, rows = cost()
    assert rows == (1502 if name == "tasks" else 1503)
    assert many == few


def test_the_pages_lead_to_their_tables_with_the_filter(client, project):
    make_ranking_task(project)

    page = client.get(reverse("manage-tasks", args=[project.public_id]), {"status": "open"}).content.decode()

    address = reverse("manage-csv", args=[project.public_id, "tasks"])
    assert f'href="{address}?status=open"' in page
