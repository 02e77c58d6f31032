"""Why there is nothing: said on the first page and on the page of nothing to do, in words that help."""

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling import actions
from labeling.history_queries import Why, why_nothing
from labeling.models import Project, Task
from tests.making import make_demonstration_task, make_prompt, make_ranking_task

pytestmark = pytest.mark.django_db


def foreign(project, annotator):
    Project.objects.update(languages=["en", "zh"])
    project.refresh_from_db()
    make_ranking_task(project, prompt=make_prompt(project, language="zh"))
    actions.set_languages(project=project, user=annotator, languages=["en"])


def unwelcome(project, annotator):
    make_ranking_task(project, prompt=make_prompt(project, topics=["violence", "hate"]))
    actions.choose_topics(user=annotator, topics=["hate"])
    annotator.refresh_from_db()


def full(project, annotator):
    Project.objects.update(daily_cap=1, time_zone="Asia/Shanghai")
    project.refresh_from_db()
    make_demonstration_task(project)
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="demonstrate")
    actions.submit_demonstration(assignment=assignment, text="Yes.", idempotency_key="k")


REASONS = [
    (foreign, "languages", "Tasks wait in languages in which you do not work here: <bdi>zh</bdi>."),
    (unwelcome, "topics", "topics that you have not said yes to: violence and terrorism."),
    (full, "cap", "at most 1 submissions a day here. The next day begins in"),
]


@pytest.mark.parametrize(("prepare", "reason", "words"), REASONS)
def test_both_pages_say_it(client_for, project, annotator, prepare, reason, words):
    prepare(project, annotator)
    client = client_for(annotator)

    assert why_nothing(annotator, project, "rank").reason == reason
    assert words in client.get("/").content.decode()
    page = client.post(reverse("next-task", args=[project.public_id, "rank"]), follow=True)
    assert words in page.content.decode()
    assert "Tell me when there is" in page.content.decode()


def test_the_reason_of_topics_leads_to_the_choice(client_for, project, annotator):
    unwelcome(project, annotator)

    assert f'href="{reverse("care")}">Choose your topics' in client_for(annotator).get("/").content.decode()


def test_each_reason_names_what_is_free_and_does_not_fit(project, annotator, second_annotator):
    unwelcome(project, annotator)
    foreign(project, annotator)
    assert why_nothing(annotator, project, "rank") == Why("topics", topics=("violence",))

    Task.objects.filter(language="en").update(seats_taken=1)
    assert why_nothing(annotator, project, "rank") == Why("languages", languages=("zh",))

    Task.objects.update(seats_taken=1)
    assert why_nothing(annotator, project, "rank") == Why("others")


def test_what_i_had_is_no_reason_of_topics(project, annotator):
    unwelcome(project, annotator)
    actions.choose_topics(user=annotator, topics=["hate", "violence"])
    actions.skip_task(assignment=actions.claim_task(user=annotator, project=project, kind="rank"))
    actions.choose_topics(user=annotator, topics=[])
    annotator.refresh_from_db()

    assert why_nothing(annotator, project, "rank") == Why("yours")


def test_home_tells_of_writing_where_nothing_is_to_be_ranked(client_for, project, annotator):
    make_demonstration_task(project, topics=["sexual"])

    assert "not said yes to: sexual content." in client_for(annotator).get("/").content.decode()


@pytest.mark.parametrize(("prepare", "reason", "words"), REASONS)
def test_nobody_is_written_to_of_tasks_that_they_cannot_be_given(project, annotator, prepare, reason, words):
    prepare(project, annotator)
    actions.wish_for_tasks(user=annotator, project=project, kind="rank")

    assert actions.tell_of_tasks() == 0
    actions.choose_topics(user=annotator, topics=["hate", "violence"])
    actions.set_languages(project=project, user=annotator, languages=[])
    Project.objects.update(daily_cap=None)

    assert actions.tell_of_tasks() == 1
    assert "wait for you now: 1" in mail.outbox[0].body


def test_home_costs_no_more_when_there_is_more(client_for, project, annotator):
    full(project, annotator)
    client = client_for(annotator)

    def cost():
        with CaptureQueriesContext(connection) as captured:
            client.get("/")
        return len(captured)

    client.get("/")
    one = cost()
    for language in ("en", "zh", "fr"):
        for topics in ((), ("hate",)):
            make_ranking_task(project, prompt=make_prompt(project, language=language, topics=topics))

    assert cost() == one


def test_home_costs_three_statements_for_each_project_with_work(client_for, annotator, manager, project):
    def joined(n):
        for number in range(n):
            other = actions.create_project(name=f"Project {n}.{number}", creator=manager)
            for role in ("annotator", "reviewer"):
                actions.add_member(project=other, user=annotator, role=role)
            make_ranking_task(other)

    def cost():
        with CaptureQueriesContext(connection) as captured:
            client.get("/")
        return len(captured)

    make_ranking_task(project)
    client = client_for(annotator)
    joined(1)
    client.get("/")
    of_two = cost()
    joined(5)

    assert cost() <= of_two + 5 * 3
