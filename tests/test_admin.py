"""The admin: for site admins only, and read only but for accounts."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from labeling import actions
from labeling.models import Project, Task, User
from tests.making import make_ranking_task

MODELS = [model for model in admin.site._registry if model._meta.app_label in {"labeling", "training"}]


@pytest.fixture
def site_admin(person):
    ann = person("Admin")
    ann.is_staff = ann.is_superuser = True
    ann.save()
    return ann


def address(model, page="changelist", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_every_list_opens_for_a_site_admin(client_for, site_admin, project):
    actions.publish_guidelines(project=project, language="en", body="Be kind.", author=None)
    task = make_ranking_task(project)
    actions.withdraw_task(task=task, actor=site_admin)
    client = client_for(site_admin)

    assert {model: client.get(address(model)).status_code for model in MODELS} == dict.fromkeys(MODELS, 200)


def test_nothing_but_accounts_can_be_added(client_for, site_admin):
    client = client_for(site_admin)
    can = [model for model in MODELS if client.get(address(model, "add")).status_code != 403]

    assert can == [User]


def test_a_record_is_shown_and_neither_changed_nor_deleted(client_for, site_admin, project):
    task = make_ranking_task(project)
    client = client_for(site_admin)

    page = client.get(address(Task, "change", task.pk))
    changed = client.post(address(Task, "change", task.pk), {"status": "withdrawn"})
    deleted = client.post(address(Task, "delete", task.pk), {"post": "yes"})

    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert (changed.status_code, deleted.status_code) == (403, 403)
    assert Task.objects.get(pk=task.pk).status == "open"


def test_secrets_are_not_on_the_pages(client_for, site_admin, project):
    page = client_for(site_admin).get(address(Project, "change", project.pk))

    assert b"pseudonym" not in page.content.lower()


def test_an_account_is_closed_but_never_deleted(client_for, site_admin, annotator):
    client = client_for(site_admin)
    fields = {"email": annotator.email, "name": "Ada", "kind": "human", "language": "", "time_zone": "UTC"}

    saved = client.post(address(User, "change", annotator.pk), fields)

    assert saved.status_code == 302
    assert User.objects.get(pk=annotator.pk).is_active is False
    assert client.post(address(User, "delete", annotator.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("who", ["annotator", "manager", "engineer", "outsider"])
def test_for_others_there_is_no_admin(client_for, request, who):
    answer = client_for(request.getfixturevalue(who)).get(reverse("admin:index"), follow=True)

    assert answer.status_code == 404


def test_whoever_is_not_signed_in_comes_to_the_site_s_own_page(client):
    answer = client.get(reverse("admin:index"), follow=True)

    assert answer.redirect_chain[-1][0].startswith(reverse("account_login"))


def test_every_model_of_the_record_is_there():
    # Made by the thousand a minute, or by machines for machines.
    left_out = {"Metric", "SampledText", "RunMessage", "TrialAnswer", "IdempotentRequest"}
    missing = {
        model.__name__
        for app in ("labeling", "training")
        for model in apps.get_app_config(app).get_models()
        if model not in admin.site._registry
    }

    assert missing - left_out == set()
