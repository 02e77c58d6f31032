"""Counts that are kept as it happens: always what the record says, whoever writes at once."""

import datetime
import random
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from labeling import actions
from labeling.actions.counts import FEW, FOLD
from labeling.errors import DomainError
from labeling.models import DailyWork, Project, Prompt, StageCount, Submission, Task
from labeling.overview_queries import stages_of
from tests.labeling.working import rank, write
from tests.making import make_demonstration_task, make_prompt, make_ranking_task

DAY = datetime.date(2026, 3, 5)


def work_of(user):
    """(submissions, timed, seconds, accepted, returned) by day."""
    rows = DailyWork.objects.filter(user=user).order_by("day")
    columns = ("submissions", "timed", "active_seconds", "accepted", "returned")
    return {day: tuple(counts) for day, *counts in rows.values_list("day", *columns)}


def stage(project):
    (only,) = stages_of([project])[project.pk]
    return only


def test_a_submission_counts_on_its_day_with_its_time(project, annotator):
    make_ranking_task(project)
    make_ranking_task(project)
    rank(annotator, project, seconds=90, on=DAY)
    rank(annotator, project, seconds=30, on=DAY)

    assert work_of(annotator)[DAY] == (2, 2, 120, 0, 0)
    assert actions.count_differences(project=project) == 0


def test_a_revision_adds_its_time_and_no_judgment(project, annotator):
    make_demonstration_task(project)
    first = write(annotator, project, seconds=0, on=DAY)
    actions.submit_demonstration(
        assignment=first.assignment, text="Better.", idempotency_key="2", active_seconds=0
    )

    assert sum(row.submissions for row in DailyWork.objects.all()) == 1
    assert actions.count_differences(project=project) == 0


def test_what_is_accepted_or_returned_counts_until_it_is_revised(project, annotator, manager):
    make_demonstration_task(project)
    first = write(annotator, project, on=DAY)
    actions.review_submission(submission=first, reviewer=manager, verdict="returned", note="Shorter.")
    assert work_of(annotator)[DAY][3:] == (0, 1)

    second = actions.submit_demonstration(
        assignment=first.assignment, text="Short.", idempotency_key="2", active_seconds=5
    )
    assert work_of(annotator)[DAY][3:] == (0, 0)

    actions.review_submission(submission=second, reviewer=manager, verdict="accepted")
    assert work_of(annotator)[timezone.now().date()][3:] == (1, 0)
    assert actions.count_differences(project=project) == 0


def test_a_day_begins_when_the_project_says_and_another_time_zone_counts_anew(project, annotator):
    Project.objects.update(time_zone="Asia/Shanghai")
    make_ranking_task(project)
    submission = rank(annotator, project)
    late = datetime.datetime(2026, 3, 5, 20, tzinfo=datetime.UTC)
    Submission.objects.filter(pk=submission.pk).update(created_at=late)
    assert list(DailyWork.objects.filter(submissions=1).values_list("day")) == [(datetime.date(2026, 3, 6),)]

    project.refresh_from_db()
    settings = actions.settings_of(project)
    actions.change_project(project=project, **settings | {"time_zone": "UTC"})

    assert list(DailyWork.objects.values_list("day", "submissions")) == [(DAY, 1)]
    assert actions.count_differences(project=project) == 0


def test_a_time_zone_that_the_database_does_not_know_costs_nobody_their_work(project, annotator):
    Project.objects.update(time_zone="Mars/Olympus")
    make_ranking_task(project)
    project.refresh_from_db()

    with connection.cursor() as cursor:
        cursor.execute("SELECT labeling_day('2026-03-05 23:30+00', 'Mars/Olympus')")
        assert cursor.fetchone() == (DAY,)


def test_tasks_move_from_state_to_state_with_their_seats_and_judgments(project, annotator, manager):
    Project.objects.update(overlap_share=1.0, overlap_people=3)
    project.refresh_from_db()
    task = make_ranking_task(project)
    make_demonstration_task(project)
    assert (stage(project).prompts, stage(project).rank.open, stage(project).rank.left) == (2, 1, 3)

    rank(annotator, project)
    assert (stage(project).rank.open, stage(project).rank.left) == (1, 2)

    actions.withdraw_task(task=task, actor=manager)
    assert (stage(project).rank.withdrawn, stage(project).rank.left) == (1, 0)

    actions.reopen_task(task=task, actor=manager)
    assert (stage(project).rank.open, stage(project).rank.left) == (1, 2)
    assert actions.count_differences(project=project) == 0


def test_a_prompt_that_changes_its_category_takes_its_tasks_and_judgments_along(project, annotator):
    make_ranking_task(project)
    rank(annotator, project)

    Prompt.objects.update(category="chat")

    (only,) = stages_of([project])[project.pk]
    assert (only.category, only.prompts, only.rank.complete) == ("chat", 1, 1)
    assert actions.count_differences(project=project) == 0


def test_what_is_deleted_is_counted_off(project):
    make_demonstration_task(project)
    make_prompt(project)

    Prompt.objects.all().delete()

    assert stages_of([project])[project.pk] == []
    assert actions.count_differences(project=project) == 0


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_done_in_whatever_order_the_counts_are_those_of_the_record(
    seed, project, annotator, second_annotator, manager
):
    random_ = random.Random(seed)
    Project.objects.update(overlap_share=0.5, overlap_people=2)
    project.refresh_from_db()

    def review():
        submission = Submission.objects.order_by("?").first()
        if submission:
            verdict = random_.choice(["accepted", "returned"])
            seen = submission.newest_review
            actions.review_submission(
                submission=submission,
                reviewer=manager,
                verdict=verdict,
                note="n",
                seen=str(seen.public_id) if seen else "",
            )

    def revise():
        submission = Submission.objects.filter(verdict="written").order_by("?").first()
        if submission:
            key = str(random_.random())
            actions.submit_demonstration(
                assignment=submission.assignment, text="x", idempotency_key=key, active_seconds=3
            )

    def on_some_task(action):
        task = Task.objects.order_by("?").first()
        if task:
            action(task=task, actor=manager)

    def work():
        person = random_.choice([annotator, second_annotator])
        kind = random_.choice(["rank", "demonstrate"])
        if actions.claim_task(user=person, project=project, kind=kind):
            {"rank": rank, "demonstrate": write}[kind](person, project)

    steps = [
        lambda: make_ranking_task(project),
        lambda: make_demonstration_task(project, category=random_.choice(["chat", "other"])),
        work,
        work,
        review,
        revise,
        lambda: on_some_task(actions.withdraw_task),
        lambda: on_some_task(actions.reopen_task),
        fold,
    ]
    for _ in range(60):
        try:
            with transaction.atomic():
                random_.choice(steps)()
        except DomainError:
            continue

    assert actions.count_differences(project=project) == 0


def fold():
    with connection.cursor() as cursor:
        cursor.execute(FOLD)


def test_folding_leaves_one_row_a_group_and_every_count_as_it_was(project):
    prompt = make_prompt(project)
    for _ in range(FEW + 1):
        Task.objects.create(project=project, prompt=prompt, kind="rank")
    before = stages_of([project])

    assert actions.fold_counts()

    assert StageCount.objects.count() == 2  # prompts, open tasks
    assert stages_of([project]) == before
    assert not actions.fold_counts()


def test_counts_that_were_written_past_the_triggers_are_found_and_mended(project, annotator, capsys):
    make_ranking_task(project)
    rank(annotator, project)
    StageCount.objects.create(project=project, language="en", category="chat", prompts=5)
    DailyWork.objects.update(submissions=7)

    with pytest.raises(CommandError):
        call_command("check_counts")
    call_command("check_counts", "--repair")
    call_command("check_counts")

    assert capsys.readouterr().out.splitlines()[-1] == "Helpful answers: every count is right."
    assert actions.count_differences(project=project) == 0


@pytest.mark.django_db(transaction=True)
def test_a_task_withdrawn_while_somebody_submits_to_it_keeps_its_judgment(project, annotator, manager):
    task = make_ranking_task(project)
    submitted, go_on = threading.Event(), threading.Event()

    def submit():
        with transaction.atomic():
            rank(annotator, project)
            submitted.set()
            go_on.wait(5)
        connections.close_all()

    def withdraw():
        submitted.wait(5)
        threading.Timer(0.3, go_on.set).start()
        try:
            actions.withdraw_task(task=task, actor=manager)
        except DomainError:
            pass
        connections.close_all()

    threads = [threading.Thread(target=submit), threading.Thread(target=withdraw)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert actions.count_differences(project=project) == 0
    assert stage(project).rank.complete == 1


@pytest.mark.django_db(transaction=True)
def test_the_time_zone_waits_for_whoever_is_submitting(project, annotator):
    make_ranking_task(project)
    settings = actions.settings_of(project)
    submitted, go_on = threading.Event(), threading.Event()

    def submit():
        with transaction.atomic():
            rank(annotator, project)
            submitted.set()
            go_on.wait(5)
        connections.close_all()

    thread = threading.Thread(target=submit)
    thread.start()
    submitted.wait(5)
    threading.Timer(0.3, go_on.set).start()
    actions.change_project(project=project, **settings | {"time_zone": "Pacific/Kiritimati"})
    thread.join(10)

    assert actions.count_differences(project=project) == 0
    assert DailyWork.objects.get().submissions == 1
