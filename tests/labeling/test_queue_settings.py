"""A project's settings of who is handed what: languages first, open tasks, gold, qualification."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling import actions
from labeling.errors import DomainError
from labeling.models import Project, Task
from tests.making import make_prompt, make_ranking_task

pytestmark = pytest.mark.django_db

SENT = {
    "open_tasks": "4",
    "language_priorities": "zh 10; en: -1",
    "gold_share": "12.5",
    "requires_qualification": "on",
    "qualification_tasks": "3",
    "qualification_share": "80",
}
USUAL = {
    "open_tasks": 3,
    "language_priorities": {},
    "gold_share": 0.1,
    "requires_qualification": False,
    "qualification_tasks": 5,
    "qualification_share": 0.75,
}


@pytest.fixture
def bilingual(project):
    project.languages = ["en", "zh"]
    project.save()
    return project


def change(project, **fields):
    return actions.change_queue(project=project, actor=None, **USUAL | fields)


def task_in(project, language, **fields):
    return make_ranking_task(project, prompt=make_prompt(project, language=language), **fields)


def in_turn(user, project):
    """The tasks that are handed to this person, one after the other."""
    while assignment := actions.claim_task(user=user, project=project, kind="rank"):
        yield assignment.task
        actions.skip_task(assignment=assignment)


def test_a_languages_number_is_added_to_the_priority_of_its_tasks(bilingual, annotator):
    english, urgent = task_in(bilingual, "en"), task_in(bilingual, "en", priority=6)
    chinese, later = task_in(bilingual, "zh"), task_in(bilingual, "zh", priority=-6)
    project = change(bilingual, language_priorities={"zh": 5})

    assert list(in_turn(annotator, project)) == [urgent, chinese, english, later]


def test_changing_it_writes_no_task(bilingual, annotator):
    for language in ("en", "zh"):
        task_in(bilingual, language)

    with CaptureQueriesContext(connection) as captured:
        project = change(bilingual, language_priorities={"zh": 5})

    assert not [query for query in captured if "labeling_task" in query["sql"]]
    assert actions.claim_task(user=annotator, project=project, kind="rank").task.language == "zh"


def test_equal_priorities_go_by_age_whatever_the_language(bilingual, annotator):
    tasks = [task_in(bilingual, language) for language in ("zh", "en", "zh")]

    assert list(in_turn(annotator, change(bilingual, language_priorities={"zh": 0}))) == tasks


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"open_tasks": 0}, "open_tasks"),
        ({"language_priorities": {"fr": 1}}, "language_priorities"),
        ({"language_priorities": {"en": 1001}}, "language_priorities"),
        ({"gold_share": 1.1}, "gold_share"),
        ({"qualification_share": -0.1}, "qualification_share"),
        ({"qualification_tasks": 0}, "qualification_tasks"),
    ],
)
def test_what_is_out_of_range_is_refused_and_named(project, fields, field):
    with pytest.raises(DomainError) as refusal:
        change(project, **fields)

    assert list(refusal.value.fields) == [field]
    project.refresh_from_db()
    assert {name: getattr(project, name) for name in USUAL} == USUAL


def test_a_language_that_the_project_loses_weighs_nothing(bilingual, annotator):
    change(bilingual, language_priorities={"zh": 5})
    Project.objects.update(languages=["en"])
    bilingual.refresh_from_db()
    task = task_in(bilingual, "en")

    assert actions.claim_task(user=annotator, project=bilingual, kind="rank").task == task
    assert Task.objects.count() == 1


# --- the page


def test_a_manager_saves_them(client_for, bilingual, manager):
    client = client_for(manager)

    client.post(reverse("change-queue", args=[bilingual.public_id]), SENT)

    bilingual.refresh_from_db()
    assert {name: getattr(bilingual, name) for name in USUAL} == {
        "open_tasks": 4,
        "language_priorities": {"zh": 10, "en": -1},
        "gold_share": 0.125,
        "requires_qualification": True,
        "qualification_tasks": 3,
        "qualification_share": 0.8,
    }
    page = client.get(reverse("manage-settings", args=[bilingual.public_id])).content.decode()
    assert 'value="zh 10, en -1"' in page


def test_what_is_wrong_is_said_beside_its_field_and_the_other_form_stays(client_for, bilingual, manager):
    answer = client_for(manager).post(
        reverse("change-queue", args=[bilingual.public_id]), SENT | {"language_priorities": "chinese first"}
    )

    assert answer.status_code == 400
    page = answer.content.decode()
    assert "such as zh 10, instead of chinese first." in page
    assert 'value="Helpful answers"' in page
