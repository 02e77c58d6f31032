"""The pages on which tasks are opened for many prompts, by plain forms."""

import pytest

from labeling import actions
from labeling.models import Task, Transfer
from tests.labeling.test_manager_pages import address
from tests.labeling.test_opening import with_outputs
from tests.making import make_prompt


@pytest.fixture
def client(client_for, manager):
    return client_for(manager)


def test_tasks_are_opened_for_a_selection_and_the_page_says_how_far_it_is(client, project):
    with_outputs(project)
    make_prompt(project)
    form = {"kind": "rank", "split": "train", "round": "1", "priority": "5", "without_task": "on"}

    answer = client.post(address("manage-open", project), form)

    opening = Transfer.objects.get()
    assert answer.headers["Location"] == address("opening", opening)
    assert "Waits for a worker" in client.get(address("opening", opening)).content.decode()
    actions.run_opening(transfer_id=opening.pk)
    fragment = client.get(address("opening", opening), headers={"HX-Request": "true"}).content.decode()
    assert fragment.lstrip().startswith('<div id="opening"') and 'data-over="yes"' in fragment
    assert [(task.kind, task.priority) for task in Task.objects.all()] == [("rank", 5)]
    assert client.get(address("manage-open", project)).context["openings"][0] == opening


def test_a_selection_without_a_prompt_is_refused(client, project):
    form = {"kind": "rank", "round": "1", "priority": "0"}

    answer = client.post(address("manage-open", project), form)

    assert answer.status_code == 400
    assert "No prompt is like this" in answer.content.decode()


def test_an_opening_is_stopped(client, project):
    make_prompt(project)
    form = {"kind": "demonstrate", "round": "1", "priority": "0"}
    client.post(address("manage-open", project), form)
    opening = Transfer.objects.get()

    client.post(address("cancel-opening", opening))

    opening.refresh_from_db()
    assert opening.status == "cancelled"
