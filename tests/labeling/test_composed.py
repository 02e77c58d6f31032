"""What is composed and planned once answers as the queryset does that is composed each time."""

import threading

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from labeling.composed import Composed, asked, columns, row
from labeling.models import Project, Prompt
from tests.making import make_prompt

WITH_PROJECT = Composed(
    lambda: (
        Prompt.objects.filter(pk=asked("prompt"))
        .annotate(age=Now() - F("created_at"))
        .select_related("project", "author")
    )
)
BY_CATEGORY = Composed(
    lambda: (
        Prompt.objects.filter(project=asked("project"), category=asked("category"))
        .exclude(external_id="100 % sure, it's %s")
        .order_by("pk")
        .values_list("pk", flat=True)
    )
)


def prompts(project, *external_ids):
    made = [make_prompt(project) for _ in external_ids]
    for prompt, external_id in zip(made, external_ids, strict=True):
        Prompt.objects.filter(pk=prompt.pk).update(external_id=external_id)
    return made


def test_a_row_comes_with_what_is_joined_and_added(project, django_assert_num_queries):
    [prompt] = prompts(project, "")
    WITH_PROJECT.first(prompt=prompt.pk)

    with django_assert_num_queries(1):
        found = WITH_PROJECT.first(prompt=prompt.pk)
        assert found.project == project
        assert found.author == prompt.author

    assert found.messages == prompt.messages
    assert found.age.total_seconds() > 0
    assert WITH_PROJECT.first(prompt=0) is None


def test_each_time_it_is_asked_with_other_values_and_the_rest_stays(project):
    first, _out, second = prompts(project, "a", "100 % sure, it's %s", "b")
    Prompt.objects.filter(pk=second.pk).update(category="chat")

    assert BY_CATEGORY.all(project=project.pk, category=first.category) == [first.pk]
    assert BY_CATEGORY.all(project=project.pk, category="chat") == [second.pk]
    assert BY_CATEGORY.all(project=project.pk, category="no 'such'") == []


def test_a_transaction_that_fails_leaves_it_usable(project):
    prompt, *_ = prompts(project, "")
    fresh = Composed(lambda: Project.objects.filter(pk=asked("project"), name__gt=""))

    with transaction.atomic():
        assert fresh.first(project=project.pk) == project
        transaction.set_rollback(True)

    assert fresh.first(project=prompt.project_id) == project


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_and_another_thread_plan_it_anew(project):
    [prompt] = prompts(project, "")
    assert WITH_PROJECT.first(prompt=prompt.pk) == prompt
    connection.close()
    found = []

    def ask():
        found.append(WITH_PROJECT.first(prompt=prompt.pk))
        connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()

    assert [WITH_PROJECT.first(prompt=prompt.pk), *found] == [prompt, prompt]


def test_a_statement_gives_a_whole_row(project):
    saved = make_prompt(project)
    Prompt.objects.filter(pk=saved.pk).update(topics=["violence"], metadata={"a": [1, None]})

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns(Prompt, 'p')} FROM labeling_prompt AS p WHERE id = %s", [saved.pk])
        found = row(Prompt, cursor.fetchone())

    assert (found, found.messages, found.metadata) == (saved, saved.messages, {"a": [1, None]})
    assert (found.topics, found.created_at, found.public_id) == (
        ["violence"],
        saved.created_at,
        saved.public_id,
    )
    found.external_id = "again"
    found.save()  # an update, not a second row
    assert Prompt.objects.get().external_id == "again"
