"""Sensitive topics: marking what is sensitive, and saying yes to it."""

import pytest
from django.db import IntegrityError
from django.urls import reverse

from labeling import actions
from labeling.errors import DomainError
from labeling.models import Completion, Prompt, Task, User
from tests.making import make_demonstration_task, make_prompt, make_ranking_task

pytestmark = pytest.mark.django_db


def test_topics_are_kept_in_their_order_and_copied_to_every_task_of_the_prompt(project):
    prompt = make_prompt(project, topics=["hate", "violence", "hate"])
    ranking = make_ranking_task(project, prompt=prompt)
    assert prompt.topics == ranking.topics == ["violence", "hate"]

    actions.mark_prompt(prompt=prompt, topics=["sexual"])
    # Whoever opens it may have read the prompt before it was marked.
    writing = actions.open_demonstration_task(prompt=prompt)

    assert list(Task.objects.values_list("topics", flat=True)) == [["sexual"], ["sexual"]]
    assert writing.language == "en"
    assert Prompt.objects.get(pk=prompt.pk).topics == ["sexual"]


def test_unknown_topics_are_refused_with_those_there_are(project, annotator):
    prompt = make_prompt(project)

    with pytest.raises(DomainError, match="no topic cats: choose among sexual, violence"):
        actions.mark_prompt(prompt=prompt, topics=["cats"])
    with pytest.raises(DomainError, match="no topic cats"):
        actions.choose_topics(user=annotator, topics=["cats"])
    with pytest.raises(DomainError, match="no topic cats"):
        make_prompt(project, topics=["cats"])


@pytest.mark.parametrize("model", [Prompt, User])
def test_the_database_knows_the_topics_too(project, annotator, model):
    make_prompt(project)

    with pytest.raises(IntegrityError, match="topics_known"):
        model.objects.update(topics=["cats"])


def test_saying_no_again_gives_back_what_is_held_ready(project, annotator):
    actions.choose_topics(user=annotator, topics=["hate"])
    make_ranking_task(project)
    about_hate = make_ranking_task(project, prompt=make_prompt(project, topics=["hate"]))
    actions.claim_task(user=annotator, project=project, kind="rank")
    # Nobody else's, and nothing that fits, goes back with it.
    held = actions.reserve_task(user=annotator, project=project, kind="rank")
    assert held.task == about_hate
    actions.choose_topics(user=annotator, topics=["hate", "abuse"])
    held.refresh_from_db()
    assert held.status == "reserved"

    actions.choose_topics(user=annotator, topics=["abuse"])

    held.refresh_from_db()
    about_hate.refresh_from_db()
    assert (held.status, about_hate.seats_taken) == ("expired", 0)


# --- pages


def test_a_person_chooses_on_a_page_of_their_own(client_for, annotator):
    client = client_for(annotator)
    page = reverse("care")
    assert "checked" not in client.get(page).content.decode()

    answer = client.post(page, {"topics": ["violence", "hate"]}, follow=True).content.decode()

    annotator.refresh_from_db()
    assert annotator.topics == ["violence", "hate"]
    assert answer.count("checked") == 2
    assert client.post(page, {"topics": ["cats"]}).status_code == 400
    client.post(page, {})
    annotator.refresh_from_db()
    assert annotator.topics == []


def test_a_manager_marks_a_prompt_and_single_outputs_on_the_task_page(client_for, manager, project):
    task = make_ranking_task(project)
    client = client_for(manager)
    address = reverse("mark-task", args=[task.public_id])

    shown = client.post(address, {"topics": ["hate"], "outputs": ["2", "4"]}, follow=True).content.decode()

    slots = task.slots.order_by("slot").values_list("completion__is_sensitive", flat=True)
    assert list(slots) == [False, True, False, True]
    assert Prompt.objects.get(pk=task.prompt_id).topics == ["hate"]
    assert "Covered: hatred of groups." in shown
    assert shown.count("checked") == 3
    client.post(address, {"outputs": ["1"]})
    assert Completion.objects.filter(is_sensitive=True).get().slots.get().slot == 1
    assert Prompt.objects.get(pk=task.prompt_id).topics == []


def test_a_topic_or_output_that_is_none_changes_nothing(client_for, manager, project):
    task = make_ranking_task(project)
    client = client_for(manager)

    for sent in ({"topics": ["cats"], "outputs": ["1"]}, {"topics": ["hate"], "outputs": ["x"]}):
        page = client.post(reverse("mark-task", args=[task.public_id]), sent, follow=True)
        assert "nothing was changed" in page.content.decode()

    assert not Completion.objects.filter(is_sensitive=True).exists()
    assert Prompt.objects.get(pk=task.prompt_id).topics == []


def test_who_skipped_a_sensitive_task_is_not_shown(client_for, manager, annotator, project):
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    actions.skip_task(assignment=assignment)
    address = reverse("manage-task", args=[assignment.task.public_id])
    assert annotator.name in client_for(manager).get(address).content.decode()

    actions.mark_outputs(task=assignment.task, slots=[1])

    assert annotator.name not in client_for(manager).get(address).content.decode()


# --- covers, without a script


def page_of(client, assignment, name="assignment"):
    return client.get(reverse(name, args=[assignment.public_id])).content.decode()


def test_a_sensitive_prompt_is_covered_with_all_its_outputs_and_skipping_is_free(
    client_for, annotator, project
):
    actions.choose_topics(user=annotator, topics=["violence", "hate"])
    make_ranking_task(project, prompt=make_prompt(project, topics=["violence", "hate"]))
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    client = client_for(annotator)

    page = page_of(client, assignment)

    assert page.count('<details class="cover"') == 5
    assert page.count("Covered: violence and terrorism, hatred of groups. Open") == 5
    assert "Skipping it never counts against you." in page
    assert page_of(client, assignment, "compare-outputs").count('<details class="cover"') == 2
    assert page.count("<details") == page.count("</details>")


def test_one_sensitive_output_is_covered_alone(client_for, annotator, project):
    task = make_ranking_task(project)
    actions.mark_outputs(task=task, slots=[3])
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")

    page = page_of(client_for(annotator), assignment)

    number = assignment.display_order.index(3) + 1
    assert page.count('<details class="cover"') == 1
    assert f'<details class="cover" data-cover="output-{number}">' in page
    assert "Covered: marked as sensitive. Open" in page
    assert "Skipping it never counts against you." in page


def test_writing_and_history_are_covered_too(client_for, annotator, project):
    actions.choose_topics(user=annotator, topics=["abuse"])
    make_demonstration_task(project, topics=["abuse"])
    assignment = actions.claim_task(user=annotator, project=project, kind="demonstrate")
    client = client_for(annotator)
    assert page_of(client, assignment).count("Covered: abuse. Open") == 1

    actions.submit_demonstration(assignment=assignment, text="No.", idempotency_key="k")

    history = client.get(reverse("history")).content.decode()
    assert history.count("Covered: abuse. Open") == 1
    assert "<kbd>V</kbd>" not in history


def test_nothing_is_covered_or_said_where_nothing_is_sensitive(client_for, annotator, project):
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")

    page = page_of(client_for(annotator), assignment)

    assert "cover" not in page and "never counts" not in page
