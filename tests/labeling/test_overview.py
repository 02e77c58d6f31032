"""The manager's overview: every figure with what it says, and what needs attention."""

import datetime
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from labeling import actions, agreement_queries
from labeling.models import Assignment, Project, Submission, Task
from labeling.plans import Workload
from tests.labeling.working import rank, write
from tests.making import make_demonstration_task, make_prompt, make_ranking_task


@pytest.fixture(autouse=True)
def nothing_is_kept():
    cache.clear()


@pytest.fixture
def client(client_for, manager):
    return client_for(manager)


def look(client, project):
    answer = client.get(reverse("manage", args=[project.public_id]))
    assert answer.status_code == 200
    return answer


def needs(client, project):
    return [(one.text, list(one.names)) for one in look(client, project).context.get("attention", [])]


def days_ago(n):
    return timezone.now().date() - datetime.timedelta(days=n)


def test_what_was_planned_stands_beside_what_is(client, project, manager, annotator):
    make_ranking_task(project)
    assert "planned:" not in look(client, project).content.decode()
    workload = Workload(2000, 6, 0.15, 3, minutes=6.5, people=12, hours_a_day=4, hourly_rate=Decimal(25))
    plan = actions.apply_plan(project=project, actor=manager, workload=workload, currency="EUR")

    page = look(client, project).content.decode()

    assert f"planned: <time>{plan.finish_on}</time>" in page and "planned: 7,042 EUR in all" in page


def test_progress_by_language_and_category_and_by_person(client, project, annotator):
    make_demonstration_task(project, category="chat", language="zh")
    make_ranking_task(project)
    withdrawn = make_ranking_task(project)
    actions.withdraw_task(task=withdrawn, actor=None)
    make_ranking_task(project)
    rank(annotator, project)

    context = look(client, project).context

    stages = {(s.language, s.category): s for s in context["stages"]}
    assert (stages["zh", "chat"].prompts, stages["zh", "chat"].demonstrate.open) == (1, 1)
    other = stages["en", "other"]
    assert (other.prompts, other.rank.open, other.rank.complete, other.rank.withdrawn) == (3, 1, 1, 1)
    assert (context["total"].prompts, context["total"].rank.total, context["total"].left) == (4, 2, 2)
    assert [(s.language, s.prompts) for s in context["languages"]] == [("en", 3), ("zh", 1)]
    (work,) = context["work"]
    assert (work.user, work.ranked_today, work.ranked, work.written) == (annotator, 1, 1, 0)


def test_days_hours_and_the_forecast_are_of_people(client, project, annotator, person):
    robot = person("Robot", "annotator", project=project)
    type(robot).objects.filter(pk=robot.pk).update(kind="simulated")
    for _ in range(12):
        make_ranking_task(project)
    make_demonstration_task(project)
    for back in (4, 3, 2, 1):
        rank(annotator, project, seconds=1800, on=days_ago(back))
    write(annotator, project, seconds=900)
    robot.refresh_from_db()
    rank(robot, project, on=days_ago(1))

    context = look(client, project).context

    shown = [(day.date, day.ranked, day.written, day.hours) for day in context["days"]]
    assert shown == [(days_ago(n), 1, 0, 0.5) for n in (4, 3, 2, 1)] + [(days_ago(0), 0, 1, 0.25)]
    assert (context["done"].judgments, context["done"].timed, context["done"].seconds) == (5, 5, 8100)
    forecast = context["forecast"]
    assert (forecast.left, forecast.per_day, forecast.days) == (7, 1, 4)
    assert forecast.expected == days_ago(-7)


def test_words_for_a_forecast_that_cannot_be_given(client, project, annotator):
    make_ranking_task(project)
    assert "a forecast needs three days with work" in look(client, project).content.decode()

    rank(annotator, project)
    assert "no judgment is wanted" in look(client, project).content.decode()


def test_cost_so_far_and_per_judgment_once_there_is_a_rate(client, project, annotator):
    make_ranking_task(project)
    rank(annotator, project, seconds=1800)
    assert "no hourly rate is set" in look(client, project).content.decode()

    Project.objects.update(hourly_rate=Decimal("20.00"), currency="EUR")
    page = look(client, project).content.decode()

    assert "10.00 EUR" in page and "10.00 EUR per judgment" in page


def test_agreement_is_measured_on_tasks_that_several_people_ranked(
    client, project, annotator, second_annotator
):
    Project.objects.update(overlap_share=1.0)
    project.refresh_from_db()
    make_ranking_task(project)
    rank(annotator, project, places=(1, 2, 3, 4))
    rank(second_annotator, project, places=(2, 1, 3, 4))

    answer = look(client, project)

    measured = answer.context["measured"]
    assert (measured.all.share, measured.all.pairs, measured.tasks) == (5 / 6, 6, 1)
    assert measured.people[annotator.pk].share == 5 / 6
    assert "83.3 %" in answer.content.decode() and "6 pairs in 1 task<" in answer.content.decode()
    assert not measured.is_sampled


def test_agreement_counts_each_persons_newest_ranking_and_no_program(
    project, annotator, second_annotator, person
):
    Project.objects.update(overlap_share=1.0, overlap_people=3)
    project.refresh_from_db()
    make_ranking_task(project)
    rank(annotator, project)
    again = rank(second_annotator, project, places=(4, 3, 2, 1))
    robot = person("Robot", "annotator", project=project)
    rank(robot, project, places=(4, 3, 2, 1))
    type(robot).objects.filter(pk=robot.pk).update(kind="simulated")
    order = again.assignment.display_order
    actions.submit_ranking(
        assignment=again.assignment,
        places=[(number, slot) for number, slot in enumerate(order, 1)],
        idempotency_key="2",
    )

    measured = agreement_queries.agreement_in([project])[project.pk]

    assert (measured.all.share, measured.all.pairs) == (1.0, 6)


def test_what_is_set_aside_is_no_part_of_it_until_it_counts_again(
    project, annotator, second_annotator, manager
):
    Project.objects.update(overlap_share=1.0)
    project.refresh_from_db()
    make_ranking_task(project)
    rank(annotator, project)
    rank(second_annotator, project, places=(4, 3, 2, 1))

    def pairs():
        return agreement_queries.agreement_in([project])[project.pk].all.pairs

    suspension = actions.suspend_member(
        project=project, user=second_annotator, actor=manager, reason="Pasted answers.", sets_aside=True
    )
    assert pairs() == 0
    actions.lift_suspension(suspension=suspension, actor=manager)
    assert pairs() == 6


def test_what_people_do_to_qualify_is_no_part_of_it(project, annotator, second_annotator, manager):
    Project.objects.update(requires_qualification=True)
    project.refresh_from_db()
    places = [(slot, slot) for slot in range(1, 5)]
    actions.set_reference(
        task=make_ranking_task(project), places=places, purpose="qualify", actor=manager, seats=5
    )
    rank(annotator, project)
    rank(second_annotator, project, places=(4, 3, 2, 1))

    measured = agreement_queries.agreement_in([project])[project.pk]

    assert (measured.all.pairs, measured.tasks, measured.people) == (0, 0, {})


def test_where_many_tasks_were_judged_twice_the_newest_are_looked_at_and_kept_for_a_while(
    project, annotator, second_annotator, client, monkeypatch
):
    monkeypatch.setattr(agreement_queries, "MOST_TASKS", 2)
    monkeypatch.setattr(agreement_queries, "KEPT_FROM", 2)
    Project.objects.update(overlap_share=1.0)
    project.refresh_from_db()
    for _ in range(3):
        make_ranking_task(project)
        rank(annotator, project)
        rank(second_annotator, project)

    first = look(client, project)
    make_ranking_task(project)
    rank(annotator, project)
    second = look(client, project)

    assert (first.context["measured"].tasks, first.context["measured"].is_sampled) == (2, True)
    assert "of the newest 2 tasks with several people" in first.content.decode()
    assert second.context["measured"] == first.context["measured"]


# --- what needs attention


def test_nothing_needs_attention_where_all_is_well(client, project, annotator):
    make_ranking_task(project)
    make_ranking_task(project)
    rank(annotator, project)

    assert needs(client, project) == [("1 submission waits for a review.", [])]


def test_questions_and_outputs_that_name_their_model(client, project, annotator):
    make_ranking_task(project, ["I am ChatGPT.", "A plain answer."])
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    actions.ask_question(assignment=assignment, body="How?", idempotency_key="1")

    texts = [text for text, _names in needs(client, project)]

    assert "1 question waits for an answer." in texts
    assert "1 open task has an output that tells which model wrote it." in texts


def test_people_who_have_stopped_or_not_begun(client, project, annotator, second_annotator):
    make_ranking_task(project)
    make_ranking_task(project)
    rank(annotator, project, on=days_ago(4))

    found = needs(client, project)

    assert ("Have not worked for over three days, while tasks are open:", ["Ada"]) in found
    assert ("Have not begun yet:", ["Ben"]) in found
    actions.pause_project(project=project, reason="Holidays.")
    assert not [text for text, names in needs(client, project) if names]


def test_a_language_in_which_nobody_works(client, project, annotator):
    Project.objects.update(languages=["en", "zh"])
    project.refresh_from_db()
    actions.set_languages(project=project, user=annotator, languages=["en"])
    make_demonstration_task(project, language="zh")
    make_demonstration_task(project, language="en")

    wanted = ("1 judgment is wanted in a language in which nobody works:", ["zh"])
    assert wanted in needs(client, project)

    actions.set_languages(project=project, user=annotator, languages=[])
    assert wanted not in needs(client, project)


def test_whoever_is_suspended_is_neither_missed_nor_counted_on(
    client, project, annotator, second_annotator, manager
):
    Project.objects.update(languages=["en", "zh"])
    project.refresh_from_db()
    actions.set_languages(project=project, user=second_annotator, languages=["zh"])
    make_demonstration_task(project)
    actions.suspend_member(
        project=project, user=annotator, actor=manager, reason="Pasted answers.", sets_aside=False
    )

    found = needs(client, project)

    assert ("1 judgment is wanted in a language in which nobody works:", ["en"]) in found
    assert ("Have not begun yet:", ["Ben"]) in found


def test_a_task_that_three_people_let_run_out(client, project, person):
    task = make_ranking_task(project)
    for n in range(3):
        user = person(f"P{n}")
        Assignment.objects.create(task=task, user=user, status="expired", holds_seat=False)

    text = "1 open task was let run out by three people or more."
    assert text in [text for text, _names in needs(client, project)]
    found = client.get(reverse("manage-tasks", args=[project.public_id]), {"flag": "given_back"})
    assert [one.pk for one in found.context["page"].tasks] == [task.pk]


def test_whoever_agrees_less_than_the_others_and_whoever_is_far_quicker(client, project, person):
    Project.objects.update(overlap_share=1.0, overlap_people=4)
    project.refresh_from_db()
    people = [person(name, "annotator", project=project) for name in ("Ann", "Bea", "Cem", "Dov")]
    for _ in range(20):
        make_ranking_task(project)
        for user in people:
            odd = user is people[-1]
            rank(user, project, places=(4, 3, 2, 1) if odd else (1, 2, 3, 4), seconds=20 if odd else 100)

    found = needs(client, project)

    assert ("Agree with the others less than people do here:", ["Dov"]) in found
    assert ("Take less than a third of the usual time:", ["Dov"]) in found


def test_who_is_paused_is_told_why(client, project):
    make_prompt(project)
    actions.pause_project(project=project, reason="Holidays.")

    assert "Holidays." in look(client, project).content.decode()


# --- cost of the page


def test_it_never_reads_the_record_of_submissions_to_count(client, project, annotator):
    make_ranking_task(project)
    rank(annotator, project)

    with CaptureQueriesContext(connection) as captured:
        look(client, project)

    statements = [query["sql"] for query in captured]
    assert not [sql for sql in statements if '"messages"' in sql or '"metadata"' in sql or '"draft"' in sql]
    # Whatever reads submissions or tasks reads some of them, or looks by an index of few.
    counting = [sql for sql in statements if "COUNT(" in sql.upper() and '"labeling_submission"' in sql]
    assert [sql for sql in counting if "LIMIT" not in sql] == []


def test_it_costs_the_same_number_of_queries_however_much_there_is(client, project, person):
    def add(n):
        make_ranking_task(project)
        rank(person(f"P{n}", "annotator", project=project), project)

    def cost():
        with CaptureQueriesContext(connection) as captured:
            look(client, project)
        return len(captured)

    add(0)
    cost()
    before = cost()
    for n in range(1, 9):
        add(n)

    assert cost() == before
    assert Submission.objects.count() == 9 and Task.objects.count() == 9
