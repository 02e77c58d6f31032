"""Many tasks at once: extra seats, priorities, the overlap of open tasks."""

import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from labeling import actions
from labeling.errors import DomainError
from labeling.models import Task, TaskStatusChange
from tests.making import make_demonstration_task, make_prompt, make_ranking_task

pytestmark = pytest.mark.django_db


def rank(user, project, key="k"):
    assignment = actions.claim_task(user=user, project=project, kind="rank")
    places = [(slot, slot) for slot in range(1, 5)]
    return actions.submit_ranking(assignment=assignment, places=places, idempotency_key=key)


def many(project, n, **fields):
    prompt = make_prompt(project)
    return Task.objects.bulk_create(
        Task(project=project, prompt=prompt, kind="rank", language="en", **fields) for _ in range(n)
    )


def add(project, tasks, seats=1, actor=None):
    return actions.add_seats(project=project, tasks=tasks, seats=seats, actor=actor)


def test_extra_seats_open_a_complete_task_again_for_others(project, annotator, second_annotator, manager):
    task = make_ranking_task(project)
    rank(annotator, project)
    task.refresh_from_db()
    assert task.status == "complete"

    assert add(project, Task.objects.all(), seats=2, actor=manager) == 1

    task.refresh_from_db()
    assert (task.status, task.seats_wanted, task.seats_taken) == ("open", 3, 1)
    assert actions.claim_task(user=annotator, project=project, kind="rank") is None
    assert actions.claim_task(user=second_annotator, project=project, kind="rank").task == task
    assert list(TaskStatusChange.objects.values_list("from_status", "to_status", "actor")) == [
        ("open", "complete", annotator.pk),
        ("complete", "open", manager.pk),
    ]


def test_only_the_selection_and_only_this_project_is_changed(project, manager):
    first, second = make_ranking_task(project), make_ranking_task(project)
    other = make_ranking_task(actions.create_project(name="Other", creator=None))

    assert add(project, Task.objects.exclude(pk=second.pk), actor=manager) == 1

    assert dict(Task.objects.values_list("pk", "seats_wanted")) == {first.pk: 2, second.pk: 1, other.pk: 1}


def test_a_withdrawn_task_stays_withdrawn(project, manager):
    task = actions.withdraw_task(task=make_ranking_task(project), actor=manager)

    add(project, Task.objects.all())

    task.refresh_from_db()
    assert (task.status, task.seats_wanted) == ("withdrawn", 2)


@pytest.mark.parametrize("seats", [0, -1, 21])
def test_what_is_no_number_of_people_is_refused(project, seats):
    make_ranking_task(project)

    with pytest.raises(DomainError, match="1 to 20 people"):
        add(project, Task.objects.all(), seats=seats)


@pytest.mark.slow
def test_ten_thousand_tasks_in_a_few_statements(project, manager):
    many(project, 5000)
    many(project, 5000, status="complete", seats_taken=1)
    began = time.monotonic()

    with CaptureQueriesContext(connection) as captured:
        assert add(project, Task.objects.filter(project=project), seats=3, actor=manager) == 10_000

    assert len(captured) <= 8
    assert set(Task.objects.values_list("status", "seats_wanted")) == {("open", 4)}
    assert TaskStatusChange.objects.filter(to_status="open", actor=manager).count() == 5000
    assert time.monotonic() - began < 10


# --- priorities


def test_a_selection_is_handed_out_first(project, annotator, manager):
    make_ranking_task(project)
    urgent = make_ranking_task(project)

    n = actions.set_priority(
        project=project, tasks=Task.objects.filter(pk=urgent.pk), priority=7, actor=manager
    )

    assert n == 1
    assert actions.claim_task(user=annotator, project=project, kind="rank").task == urgent


def test_a_priority_out_of_range_is_refused(project):
    with pytest.raises(DomainError, match="from -1000 to 1000"):
        actions.set_priority(project=project, tasks=Task.objects.all(), priority=1001, actor=None)


# --- overlap


def overlapping(project, share, people):
    project.overlap_share, project.overlap_people = share, people
    project.save()


def apply_overlap(project, manager):
    """As the page does: confirmed for all that are open, then carried out; how many changed."""
    found = {"filter": {"kind": "rank", "status": "open"}}
    counted = actions.count_selection(project=project, action="apply_overlap", selection=found)
    made = actions.start_bulk_change(
        project=project,
        actor=manager,
        action="apply_overlap",
        selection=found,
        options={},
        told=counted.total,
    )
    return actions.continue_bulk_change(change=made, seconds=60).changed


def test_the_overlap_reaches_open_tasks_when_it_is_asked_to(project, manager):
    tasks = [make_ranking_task(project) for _ in range(4)]
    overlapping(project, 1.0, 3)
    assert set(Task.objects.values_list("seats_wanted", flat=True)) == {1}

    assert apply_overlap(project, manager) == len(tasks)

    assert set(Task.objects.values_list("seats_wanted", flat=True)) == {3}
    assert apply_overlap(project, manager) == 0


def test_an_overlap_gives_the_seats_that_new_tasks_of_the_same_prompts_would_have(project, manager):
    for _ in range(30):
        make_ranking_task(project)
    overlapping(project, 0.4, 2)

    apply_overlap(project, manager)

    wanted = [(task.seats_wanted, task.prompt) for task in Task.objects.select_related("prompt__project")]
    assert all(seats == actions.tasks.seats_for(prompt) for seats, prompt in wanted)
    assert {seats for seats, _prompt in wanted} == {1, 2}


def test_fewer_seats_complete_what_has_enough_and_never_take_a_seat_away(
    project, annotator, second_annotator, manager
):
    overlapping(project, 1.0, 3)
    judged, worked_at = make_ranking_task(project), make_ranking_task(project)
    rank(annotator, project)
    rank(second_annotator, project)
    actions.claim_task(user=annotator, project=project, kind="rank")
    actions.claim_task(user=second_annotator, project=project, kind="rank")
    overlapping(project, 0.0, 3)

    apply_overlap(project, manager)

    judged.refresh_from_db()
    worked_at.refresh_from_db()
    assert (judged.status, judged.seats_wanted, judged.seats_taken) == ("complete", 2, 2)
    assert (worked_at.status, worked_at.seats_wanted, worked_at.seats_taken) == ("open", 2, 2)
    assert judged.status_changes.get().actor == manager


def test_the_managers_button_says_how_many_before_and_after(client_for, project, manager):
    make_ranking_task(project)
    make_demonstration_task(project)
    overlapping(project, 1.0, 2)
    client = client_for(manager)

    settings = client.get(reverse("manage-settings", args=[project.public_id])).content.decode()
    asked = {"change": "apply_overlap", "scope": "all", "filter": "kind=rank&status=open"}
    page = client.get(reverse("confirm-bulk", args=[project.public_id, "tasks"]), asked).content.decode()
    told = {"told": "1"}
    done = client.post(
        reverse("confirm-bulk", args=[project.public_id, "tasks"]), asked | told, follow=True
    ).content.decode()

    assert all(f'name="{name}" value="{escape(value)}"' in settings for name, value in asked.items())
    assert "Apply the overlap: 1 task" in page
    assert "1 of 1 were changed." in done


# --- the command


def change(project, *arguments):
    call_command("change_tasks", "--project", project.name, *arguments)


def test_a_command_changes_what_a_filter_finds(project, capsys):
    ranking, writing = make_ranking_task(project), make_demonstration_task(project)
    task_set = actions.create_task_set(project=project, name="Later", people=[], group="", actor=None)

    change(project, "--kind", "rank", "--seats", "2")
    change(project, "--kind", "demonstrate", "--priority", "-3")
    change(project, "--set", "Later")

    assert capsys.readouterr().out == "1 tasks changed\n1 tasks changed\n2 tasks changed\n"
    rows = Task.objects.order_by("pk").values_list("pk", "seats_wanted", "priority", "task_set")
    assert list(rows) == [(ranking.pk, 3, 0, task_set.pk), (writing.pk, 1, -3, task_set.pk)]
    change(project, "--set", "")
    assert not task_set.tasks.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--seats", "99"], "1 to 20 people"), (["--set", "Nowhere"], "There is no set 'Nowhere'")],
)
def test_a_command_says_what_is_wrong(project, arguments, words):
    with pytest.raises(CommandError, match=words):
        change(project, *arguments)
