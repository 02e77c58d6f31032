"""Two managers who take the role from each other at the same moment: one of them keeps it."""

import threading

import pytest
from django.db import connection

from labeling import actions
from labeling.errors import Conflict, DomainError
from labeling.models import Membership


@pytest.mark.django_db(transaction=True)
def test_of_two_managers_who_remove_each_other_one_stays(project, manager, person):
    second = person("Max", "manager", project=project)
    barrier = threading.Barrier(2)
    refusals = []

    def remove(other):
        barrier.wait()
        try:
            actions.give_roles(project=project, user=other, roles=["annotator"])
        except Conflict as refused:
            refusals.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=(other,)) for other in (manager, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refusals == ["last_manager"]
    assert Membership.objects.filter(project=project, role="manager").count() == 1


@pytest.mark.django_db
def test_a_persons_group_is_the_same_in_all_roles_and_outlives_a_change_of_roles(project, annotator):
    actions.set_group(project=project, user=annotator, group="held_out")

    actions.give_roles(project=project, user=annotator, roles=["reviewer", "manager"])
    actions.add_member(project=project, user=annotator, role="engineer")

    held = annotator.memberships.filter(project=project).values_list("role", "group")
    assert sorted(held) == [(role, "held_out") for role in ("engineer", "manager", "reviewer")]


@pytest.mark.django_db
def test_there_are_two_groups(project, annotator):
    with pytest.raises(DomainError, match="no group third"):
        actions.set_group(project=project, user=annotator, group="third")


@pytest.mark.django_db
def test_a_manager_holds_a_person_out_on_the_page_of_people(project, annotator, manager, client):
    client.force_login(manager)
    page = f"/projects/{project.public_id}/manage/people/"

    client.post(f"{page}{annotator.public_id}/roles/", {"roles": "annotator", "group": "held_out"})

    assert annotator.memberships.get(project=project).group == "held_out"
    shown = client.get(page).content.decode()
    assert '<option value="held_out" selected>' in shown
    assert "never train a reward model" in shown


@pytest.fixture
def bilingual(project):
    project.languages = ["en", "zh"]
    project.save()
    return project


def languages_of(user):
    return sorted(user.memberships.values_list("role", "languages"))


@pytest.mark.django_db
def test_a_persons_languages_are_the_same_in_all_roles_and_outlive_a_change_of_roles(bilingual, annotator):
    actions.set_languages(project=bilingual, user=annotator, languages=["zh"])

    actions.give_roles(project=bilingual, user=annotator, roles=["reviewer"])
    actions.add_member(project=bilingual, user=annotator, role="engineer")

    assert languages_of(annotator) == [("engineer", ["zh"]), ("reviewer", ["zh"])]


@pytest.mark.django_db
def test_a_language_that_the_project_does_not_have_is_refused(bilingual, annotator):
    with pytest.raises(DomainError, match="fr is not a language of the project"):
        actions.set_languages(project=bilingual, user=annotator, languages=["zh", "fr"])


@pytest.mark.django_db
def test_a_manager_ticks_languages_on_the_page_of_people(bilingual, annotator, manager, client):
    client.force_login(manager)
    page = f"/projects/{bilingual.public_id}/manage/people/"
    sent = {"roles": "annotator", "group": "training"}

    client.post(f"{page}{annotator.public_id}/roles/", sent | {"languages": ["zh"]})

    assert languages_of(annotator) == [("annotator", ["zh"])]
    assert '<input type="checkbox" name="languages" value="zh" checked>' in client.get(page).content.decode()
    refused = client.post(f"{page}{annotator.public_id}/roles/", sent | {"languages": ["fr"]}, follow=True)
    assert "nothing was changed" in refused.content.decode()
    client.post(f"{page}{annotator.public_id}/roles/", sent)
    assert languages_of(annotator) == [("annotator", [])]


@pytest.mark.django_db
def test_where_there_is_one_language_nobody_is_asked(project, annotator, manager, client):
    client.force_login(manager)

    page = client.get(f"/projects/{project.public_id}/manage/people/").content.decode()

    assert 'name="languages"' not in page
