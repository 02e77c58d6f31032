"""Suspending on the page of people and on a site admin's page of an account, by plain forms."""

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Suspension, User
from tests.conftest import PASSWORD
from tests.making import make_ranking_task

pytestmark = pytest.mark.django_db

WHY = {"reason": "Answers pasted from a model.", "sets_aside": "1"}


@pytest.fixture
def site_admin(person):
    ann = person("Ann")
    ann.is_staff = ann.is_superuser = True
    ann.save()
    return ann


def suspend(client, project, user, sent=WHY):
    return client.post(reverse("suspend-member", args=[project.public_id, user.public_id]), sent, follow=True)


def test_a_manager_suspends_sees_the_history_and_lifts(client_for, manager, annotator, project):
    client = client_for(manager)

    shown = suspend(client, project, annotator).content.decode()
    suspension = Suspension.objects.get()
    assert (suspension.user, suspension.suspended_by, suspension.sets_aside) == (annotator, manager, True)
    assert "Ada is suspended." in shown
    assert "Answers pasted from a model." in shown and "judgments set aside" in shown and "in force" in shown

    shown = client.post(reverse("lift-suspension", args=[suspension.public_id]), follow=True).content.decode()
    assert "Ada is not suspended any more." in shown
    assert "Answers pasted from a model." in shown and "in force" not in shown


def test_without_a_reason_the_page_says_so(client_for, manager, annotator, project):
    shown = suspend(client_for(manager), project, annotator, {"sets_aside": "1"}).content.decode()

    assert "Say why" in shown
    assert not Suspension.objects.exists()


def test_whoever_is_suspended_is_told_on_the_first_page_and_finds_nothing_else(
    client_for, manager, annotator, project
):
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    client = client_for(annotator)
    suspend(client_for(manager), project, annotator)

    home = client.get("/").content.decode()
    assert "You are suspended in <bdi>Helpful answers</bdi>" in home
    assert "Answers pasted" not in home
    assert reverse("project", args=[project.public_id]) not in home
    for name, subject in (("project", project), ("guidelines", project), ("assignment", assignment)):
        assert client.get(reverse(name, args=[subject.public_id])).status_code == 404
    claimed = client.post(reverse("next-task", args=[project.public_id, "rank"]))
    assert claimed.status_code == 404
    assert not annotator.assignments.filter(holds_seat=True).exists()


def test_only_site_admins_have_the_page_of_an_account(client_for, manager, site_admin, annotator, project):
    page = reverse("account", args=[annotator.public_id])
    people = reverse("manage-people", args=[project.public_id])

    assert client_for(manager).get(page).status_code == 404
    assert f'href="{page}"' not in client_for(manager).get(people).content.decode()
    assert f'href="{page}"' in client_for(site_admin).get(people).content.decode()
    assert client_for(site_admin).get(page).status_code == 200


def test_a_site_admin_suspends_an_account_and_lifts_it(client, client_for, site_admin, annotator):
    sign_in = {"login": annotator.email, "password": PASSWORD}
    client.post(reverse("account_login"), sign_in)
    admin = client_for(site_admin)

    shown = admin.post(reverse("suspend-account", args=[annotator.public_id]), WHY, follow=True)
    assert "The account of Ada is suspended" in shown.content.decode()
    assert client.get("/").status_code == 302
    refused = client.post(reverse("account_login"), sign_in, follow=True)
    assert "This account is closed" in refused.content.decode()

    admin.post(reverse("lift-suspension", args=[Suspension.objects.get().public_id]))
    assert client.get("/").status_code == 302  # the session that was ended stays ended
    assert client.post(reverse("account_login"), sign_in).headers["Location"] == "/"


def test_a_manager_cannot_lift_what_a_site_admin_suspended(client_for, manager, site_admin, annotator):
    suspension = actions.suspend_account(user=annotator, actor=site_admin, reason="Left.", sets_aside=False)

    answer = client_for(manager).post(reverse("lift-suspension", args=[suspension.public_id]))

    assert answer.status_code == 404
    assert User.objects.get(pk=annotator.pk).is_active is False
