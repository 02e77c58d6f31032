"""Sets of tasks: reserved for people or for a group, and the pages on which managers make them."""

import pytest
from django.db import IntegrityError
from django.urls import reverse

from labeling import actions, queries
from labeling.errors import DomainError
from labeling.history_queries import Why, why_nothing
from labeling.models import Task, TaskSet
from tests.making import make_prompt, make_ranking_task

pytestmark = pytest.mark.django_db


def claim(user, project):
    return actions.claim_task(user=user, project=project, kind="rank")


def waiting(user, project):
    return queries.tasks_waiting_for(user, project, "rank")


def make_set(project, *people, name="Round of experts", group=""):
    return actions.create_task_set(project=project, name=name, people=people, group=group, actor=None)


def reserve_for(task_set, *tasks):
    chosen = Task.objects.filter(pk__in=[task.pk for task in tasks])
    return actions.put_into_set(project=task_set.project, tasks=chosen, task_set=task_set, actor=None)


def test_tasks_of_a_set_go_to_the_people_named_and_to_nobody_else(project, annotator, second_annotator):
    task = make_ranking_task(project)
    reserve_for(make_set(project, annotator), task)

    assert (waiting(annotator, project), waiting(second_annotator, project)) == (1, 0)
    assert claim(second_annotator, project) is None
    assert why_nothing(second_annotator, project, "rank") == Why("sets")
    assert claim(annotator, project).task == task


def test_tasks_of_a_group_go_to_its_members(project, annotator, second_annotator):
    actions.set_group(project=project, user=second_annotator, group="held_out")
    task = make_ranking_task(project)
    reserve_for(make_set(project, group="held_out"), task)

    assert claim(annotator, project) is None
    assert claim(second_annotator, project).task == task


def test_people_and_a_group_together_are_both(project, person, annotator, second_annotator):
    third = person("Cem", "annotator", project=project)
    actions.set_group(project=project, user=second_annotator, group="held_out")
    reserve_for(make_set(project, annotator, group="held_out"), make_ranking_task(project))

    assert [waiting(user, project) for user in (annotator, second_annotator, third)] == [1, 1, 0]


def test_a_set_for_nobody_in_particular_is_for_all(project, annotator):
    reserve_for(make_set(project), make_ranking_task(project))

    assert claim(annotator, project) is not None


def test_priority_counts_across_sets(project, annotator):
    make_ranking_task(project, priority=1)
    urgent = make_ranking_task(project, priority=2)
    reserve_for(make_set(project, annotator), urgent)

    assert claim(annotator, project).task == urgent


def test_what_is_open_stays_and_what_is_taken_out_is_for_all(project, annotator, second_annotator):
    task, other = make_ranking_task(project), make_ranking_task(project)
    held = claim(second_annotator, project)
    reserve_for(make_set(project, annotator), task, other)

    assert claim(second_annotator, project) == held
    actions.put_into_set(project=project, tasks=Task.objects.all(), task_set=None, actor=None)
    assert waiting(annotator, project) == 1
    assert not Task.objects.exclude(task_set=None).exists()


def test_a_reservation_that_is_somebody_elses_now_is_replaced(project, annotator, second_annotator):
    first, second, third = (make_ranking_task(project) for _ in range(3))
    claim(annotator, project)
    held = actions.reserve_task(user=annotator, project=project, kind="rank")
    assert held.task == second
    reserve_for(make_set(project, second_annotator), second)

    assert actions.reserve_task(user=annotator, project=project, kind="rank").task == third
    assert first.pk < second.pk


def test_a_new_task_can_be_opened_in_a_set(project, annotator, second_annotator):
    task_set = make_set(project, annotator)
    make_ranking_task(project, task_set=task_set)

    assert (waiting(annotator, project), waiting(second_annotator, project)) == (1, 0)


def test_a_set_of_another_project_is_refused(project, annotator):
    make_ranking_task(project)
    foreign = make_set(actions.create_project(name="Other", creator=None))

    with pytest.raises(DomainError, match="another project's"):
        actions.put_into_set(project=project, tasks=Task.objects.all(), task_set=foreign, actor=None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"name": " "}, "name"), ({"name": "Taken"}, "name"), ({"group": "cooks"}, "group")],
)
def test_what_is_no_set_is_refused(project, annotator, fields, field):
    make_set(project, name="Taken")

    with pytest.raises(DomainError) as refusal:
        make_set(project, annotator, **{"name": "New"} | fields)

    assert list(refusal.value.fields) == [field]


def test_strangers_are_refused_by_name(project, outsider):
    with pytest.raises(DomainError) as refusal:
        make_set(project, outsider)

    assert refusal.value.fields == {"people": "Not in the project: Olga."}


def test_the_database_knows_one_set_of_a_name(project):
    TaskSet.objects.create(project=project, name="A")

    with pytest.raises(IntegrityError, match="task_set_name"):
        TaskSet.objects.create(project=project, name="A")


# --- the pages


def test_a_manager_makes_a_set_fills_it_and_empties_it(client_for, project, annotator, manager):
    project.languages = ["en", "zh"]
    project.save()
    chinese = [make_ranking_task(project, prompt=make_prompt(project, language="zh")) for _ in range(3)]
    make_ranking_task(project)
    client = client_for(manager)

    made = client.post(
        reverse("task-sets", args=[project.public_id]),
        {"name": "Chinese first", "group": "", "people": [str(annotator.public_id)]},
    )
    task_set = TaskSet.objects.get()
    assert made.headers["Location"] == reverse("task-set", args=[task_set.public_id])
    fill = reverse("fill-task-set", args=[task_set.public_id])
    answer = client.post(fill, {"status": "open", "language": "zh", "most": "2"}, follow=True)

    assert "2 tasks were put into the set." in answer.content.decode()
    assert set(task_set.tasks.values_list("pk", flat=True)) == {task.pk for task in chinese[:2]}
    listed = client.get(reverse("task-sets", args=[project.public_id])).content.decode()
    assert "Chinese first" in listed and "Ada" in listed
    client.post(fill, {"out": "yes"})
    assert not task_set.tasks.exists()


def test_more_tasks_than_any_database_counts_are_refused(client_for, project, manager):
    task_set = make_set(project)
    make_ranking_task(project)

    answer = client_for(manager).post(reverse("fill-task-set", args=[task_set.public_id]), {"most": "9" * 30})

    assert answer.status_code == 400
    assert not task_set.tasks.exists()


def test_a_change_holds_from_then_on(client_for, project, annotator, second_annotator, manager):
    task_set = make_set(project, annotator)
    reserve_for(task_set, make_ranking_task(project))

    client_for(manager).post(
        reverse("task-set", args=[task_set.public_id]),
        {"name": "For Ben", "group": "", "people": [str(second_annotator.public_id)]},
    )

    task_set.refresh_from_db()
    assert task_set.name == "For Ben"
    assert (waiting(annotator, project), waiting(second_annotator, project)) == (0, 1)


def test_a_name_that_is_taken_is_said_beside_its_field(client_for, project, manager):
    make_set(project, name="Taken")

    answer = client_for(manager).post(reverse("task-sets", args=[project.public_id]), {"name": "Taken"})

    assert answer.status_code == 400
    assert "There is a set of this name already." in answer.content.decode()
