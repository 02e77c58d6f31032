"""Pauses: of a project and of the whole site, what they stop and what not, and who made them."""

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse

from labeling import actions, pauses
from labeling.errors import Conflict, DomainError
from labeling.history_queries import why_nothing
from labeling.models import Pause
from tests.making import make_ranking_task

pytestmark = pytest.mark.django_db

PLACES = [(1, 1), (2, 2), (3, 3), (4, 4)]


@pytest.fixture
def admin(db):
    return actions.add_person(email="root@example.org", name="Root", is_site_admin=True)


def claim(user, project):
    return actions.claim_task(user=user, project=project, kind="rank")


def test_who_paused_and_who_resumed_stays(project, manager):
    actions.pause_project(project=project, reason="New guidelines.", actor=manager)
    actions.resume_project(project=project, actor=manager)
    actions.pause_project(project=project, reason="Again.", actor=manager)

    newest, first = pauses.pauses_of(project)
    assert (first.reason, first.paused_by, first.resumed_by) == ("New guidelines.", manager, manager)
    assert first.paused_at < first.resumed_at < newest.paused_at
    assert (newest.reason, newest.resumed_at) == ("Again.", None)


def test_a_new_reason_while_it_lasts_is_a_pause_of_its_own(project, manager):
    actions.pause_project(project=project, reason="One.", actor=manager)
    project.refresh_from_db()
    since = project.paused_at
    actions.pause_project(project=project, reason="Two.", actor=manager)

    project.refresh_from_db()
    assert (project.paused_at, project.pause_reason) == (since, "Two.")
    assert [pause.reason for pause in pauses.pauses_of(project)] == ["Two.", "One."]


def test_a_pause_of_the_site_stops_every_project_and_open_work_can_be_submitted(project, annotator, admin):
    make_ranking_task(project)
    make_ranking_task(project)
    held = claim(annotator, project)
    actions.pause_site(reason="Moving servers", actor=admin)

    with pytest.raises(Conflict, match=r"whole site: Moving servers\. What you have open") as refusal:
        claim(annotator, project)
    assert refusal.value.code == "paused"
    assert actions.reserve_task(user=annotator, project=project, kind="rank") is None
    assert why_nothing(annotator, project, "rank").reason == "paused"
    submission = actions.submit_ranking(assignment=held, places=PLACES, idempotency_key="k")
    assert submission.revision == 1
    with pytest.raises(Conflict, match="paused"):
        actions.submit_ranking(assignment=held, places=PLACES, idempotency_key="again")


def test_when_it_ends_work_goes_on_but_where_a_project_is_paused_itself(project, annotator, admin, manager):
    make_ranking_task(project)
    actions.pause_project(project=project, reason="Ours.", actor=manager)
    actions.pause_site(reason="Theirs.", actor=admin)
    actions.resume_site(actor=admin)
    project.refresh_from_db()

    assert pauses.site_pause() is None
    with pytest.raises(Conflict, match="The project is paused"):
        claim(annotator, project)
    actions.resume_project(project=project, actor=manager)
    project.refresh_from_db()
    assert claim(annotator, project) is not None


def test_nobody_is_written_to_meanwhile(project, annotator, admin):
    make_ranking_task(project)
    actions.wish_for_tasks(user=annotator, project=project, kind="rank")
    actions.pause_site(reason="Moving.", actor=admin)

    assert actions.tell_of_tasks() == 0
    actions.resume_site(actor=admin)
    assert actions.tell_of_tasks() == 1
    assert len(mail.outbox) == 1


def test_a_reason_is_needed_and_there_is_one_pause_at_a_time(admin):
    with pytest.raises(DomainError, match="Say why"):
        actions.pause_site(reason="  ", actor=admin)
    actions.pause_site(reason="One.", actor=admin)
    actions.pause_site(reason="Two.", actor=admin)

    assert Pause.objects.get(resumed_at=None).reason == "Two."
    with pytest.raises(IntegrityError), transaction.atomic():
        Pause.objects.create(project=None, reason="Three.")


def test_site_admins_pause_on_a_page_and_everybody_reads_why(client_for, project, annotator, admin):
    make_ranking_task(project)
    page = client_for(admin)

    assert page.post(reverse("pause-site"), {"reason": " "}).status_code == 400
    page.post(reverse("pause-site"), {"reason": "Backup <b>now</b>"})

    for name, arguments in (("home", []), ("project", [project.public_id])):
        shown = client_for(annotator).get(reverse(name, args=arguments)).content.decode()
        assert "Backup &lt;b&gt;now&lt;/b&gt;" in shown
    answer = client_for(annotator).post(reverse("next-task", args=[project.public_id, "rank"]), follow=True)
    assert "Work is paused on the whole site" in answer.content.decode()
    assert "Root" in page.get(reverse("pause-site")).content.decode()
    page.post(reverse("resume-site"))
    assert pauses.site_pause() is None


def test_the_projects_pauses_are_on_its_settings(client_for, project, manager):
    client = client_for(manager)
    client.post(reverse("pause-project", args=[project.public_id]), {"reason": "New guidelines."})
    client.post(reverse("resume-project", args=[project.public_id]))

    page = client.get(reverse("manage-settings", args=[project.public_id])).content.decode()
    assert "New guidelines." in page
    assert Pause.objects.get().resumed_by == manager
