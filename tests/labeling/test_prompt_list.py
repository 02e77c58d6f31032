"""Managers' list of prompts and the page of one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling import actions
from labeling.models import Project, Prompt
from tests.labeling.working import write
from tests.making import make_demonstration_task, make_prompt, make_ranking_task


@pytest.fixture
def client(client_for, manager):
    return client_for(manager)


def found(client, project, **asked):
    page = client.get(reverse("manage-prompts", args=[project.public_id]), asked).context["page"]
    return [prompt.pk for prompt in page.prompts]


def test_prompts_are_filtered_and_searched(client, project):
    Project.objects.update(languages=["en", "zh"])
    whale = make_prompt(project, "The blue whale sings", category="chat", split="valid", external_id="ours-1")
    autumn = make_prompt(project, "介绍一下秋天的天气。", language="zh", source="few_shot", topics=["hate"])

    assert found(client, project) == [autumn.pk, whale.pk]
    assert found(client, project, language="zh") == [autumn.pk]
    assert found(client, project, category="chat") == [whale.pk]
    assert found(client, project, split="valid") == [whale.pk]
    assert found(client, project, source="few_shot") == [autumn.pk]
    assert found(client, project, topic="hate") == [autumn.pk]
    assert found(client, project, q="WHALE sings") == [whale.pk]
    assert found(client, project, q="天气") == [autumn.pk]
    assert found(client, project, q="ours-1") == [whale.pk]
    assert found(client, project, q=str(autumn.public_id)) == [autumn.pk]
    assert found(client, project, q="elephant") == []
    assert found(client, project, category="nonsense", after="nowhere") == [autumn.pk, whale.pk]


def test_prompts_with_and_without_tasks_and_outputs(client, project):
    bare = make_prompt(project)
    asked = make_demonstration_task(project).prompt
    ranked = make_ranking_task(project).prompt

    assert found(client, project, has="tasks") == [ranked.pk, asked.pk]
    assert found(client, project, has="no_tasks") == [bare.pk]
    assert found(client, project, has="outputs") == [ranked.pk]
    assert found(client, project, has="no_outputs") == [asked.pk, bare.pk]
    page = client.get(reverse("manage-prompts", args=[project.public_id])).context["page"]
    assert [(prompt.open_tasks, prompt.outputs) for prompt in page.prompts] == [(1, 4), (1, 0), (0, 0)]


def test_the_list_goes_on_page_by_page_without_gaps_at_a_fixed_cost(client, project):
    author = make_prompt(project).author
    messages = [{"role": "user", "content": "x"}]
    Prompt.objects.bulk_create(
        Prompt(project=project, author=author, messages=messages, dedupe_key=str(n)) for n in range(110)
    )
    seen, after, costs = [], "", set()
    while True:
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(reverse("manage-prompts", args=[project.public_id]), {"after": after})
        costs.add(len(captured))
        page = answer.context["page"]
        seen += [prompt.pk for prompt in page.prompts]
        if page.after is None:
            break
        after = str(page.after)

    assert seen == list(Prompt.objects.order_by("-pk").values_list("pk", flat=True))
    assert len(costs) <= 2  # the first page has no place to begin from


def test_a_prompt_shows_its_tasks_and_outputs_and_leads_to_them(client, project):
    task = make_ranking_task(project, ["First output.", "Second output."])
    actions.mark_prompt(prompt=task.prompt, topics=["hate"])

    page = client.get(reverse("manage-prompt", args=[task.prompt.public_id])).content.decode()

    assert reverse("manage-task", args=[task.public_id]) in page
    assert "First output." in page and "Second output." in page
    assert "hatred of groups" in page and "cover" in page


def test_an_answer_that_somebody_wrote_is_read_on_its_task_alone(client, project, manager, annotator):
    """A manager may be given the same prompt to answer: what they saw of it is kept where it is shown."""
    task = make_demonstration_task(project)
    write(annotator, project)
    actions.reopen_task(task=task, actor=None)

    page = client.get(reverse("manage-prompt", args=[task.prompt.public_id])).content.decode()

    assert "An answer." not in page and "It has no outputs yet." in page
    assert found(client, project, has="outputs") == []
    assert actions.claim_task(user=manager, project=project, kind="demonstrate").task == task


def test_a_prompt_nobody_has_answered(client, project):
    page = client.get(reverse("manage-prompt", args=[make_prompt(project).public_id])).content.decode()

    assert "It has no tasks." in page and "It has no outputs yet." in page


def test_a_prompt_of_another_project_is_not_there(client):
    elsewhere = make_prompt(actions.create_project(name="Another", creator=None))

    assert client.get(reverse("manage-prompt", args=[elsewhere.public_id])).status_code == 404
