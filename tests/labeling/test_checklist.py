"""What a project still needs, from nothing to the last tick."""

import pytest
from django.urls import reverse

from labeling import actions
from labeling.launch_queries import checklist_of
from labeling.models import Membership, Project
from labeling.rubrics.presets import PRESETS
from tests.labeling.test_begin_project import WORKLOAD
from tests.labeling.test_opening import with_outputs
from tests.making import make_demonstration_task, make_prompt


@pytest.fixture
def bilingual(project):
    Project.objects.update(languages=["en", "zh"])
    project.refresh_from_db()
    return project


def states(project):
    return {check.title: check.state for check in checklist_of(project)}


def details(project):
    return {check.title: check.detail for check in checklist_of(project)}


def test_an_empty_project_misses_all_but_the_rubric(bilingual):
    assert states(bilingual) == {
        "Guidelines": "missing",
        "Rubric": "optional",
        "Prompts": "missing",
        "People": "missing",
        "Outputs to rank": "missing",
        "Plan": "missing",
        "Pilot": "missing",
    }


def test_each_language_counts(bilingual, annotator):
    actions.publish_guidelines(project=bilingual, language="en", body="Be kind.", author=None)
    make_prompt(bilingual, language="zh")
    Membership.objects.filter(user=annotator).update(languages=["en"])

    said = details(bilingual)

    assert (said["Guidelines"], said["Prompts"]) == ("Missing in zh.", "Missing in en.")
    assert said["People"] == "No annotator works in zh."


def test_where_people_write_outputs_may_come_later(project):
    make_demonstration_task(project)

    assert states(project)["Outputs to rank"] == "optional"


def test_everything_there_is_everything_done(bilingual, annotator, manager, client_for):
    for language in ("en", "zh"):
        actions.publish_guidelines(project=bilingual, language=language, body="Be kind.", author=None)
        with_outputs(bilingual, language=language)
    actions.publish_rubric(project=bilingual, questions=PRESETS["overall"], author=None)
    actions.apply_plan(project=bilingual, actor=None, workload=WORKLOAD, currency="EUR")
    pilot = actions.start_pilot(project=bilingual, actor=None, kind="rank")
    address = reverse("manage", args=[bilingual.public_id])

    assert states(bilingual)["Pilot"] == "begun"
    assert {name for name, state in states(bilingual).items() if state != "done"} == {"Pilot"}
    assert 'id="checklist"' in client_for(manager).get(address).content.decode()
    actions.end_pilot(pilot=pilot, actor=None)

    assert set(states(bilingual).values()) == {"done"}
    assert 'id="checklist"' not in client_for(manager).get(address).content.decode()


def test_each_line_leads_to_the_page_that_does_it(bilingual, manager, client_for):
    client = client_for(manager)

    for check in checklist_of(bilingual):
        assert client.get(reverse(check.page, args=[bilingual.public_id])).status_code == 200


def test_the_queries_are_the_same_at_one_prompt_and_at_thirty(project, annotator, django_assert_num_queries):
    with_outputs(project)
    with django_assert_num_queries(8):
        checklist_of(project)
    for _ in range(30):
        with_outputs(project)

    with django_assert_num_queries(8):
        checklist_of(project)
