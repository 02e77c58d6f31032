import smtplib

import pytest
from django.core import mail
from django.urls import reverse

from labeling import actions
from labeling.models import TaskWish
from tests.making import make_ranking_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def wish(project, annotator):
    return actions.wish_for_tasks(user=annotator, project=project, kind="rank")


def test_one_mail_goes_out_when_there_is_something_and_no_second(project, annotator, wish):
    assert actions.tell_of_tasks() == 0
    make_ranking_task(project)

    assert [actions.tell_of_tasks(), actions.tell_of_tasks()] == [1, 0]

    [message] = mail.outbox
    assert message.to == [annotator.email]
    assert message.subject == "Helpful answers: there is something to rank"
    assert "http" in message.body
    wish.refresh_from_db()
    assert wish.told_at is not None


def test_asking_twice_is_one_wish_and_after_the_mail_one_may_ask_again(project, annotator, wish):
    assert actions.wish_for_tasks(user=annotator, project=project, kind="rank") == wish
    make_ranking_task(project)
    actions.tell_of_tasks()

    assert actions.wish_for_tasks(user=annotator, project=project, kind="rank") != wish


def test_tasks_of_others_are_no_reason_for_a_mail(project, second_annotator, wish):
    make_ranking_task(project)
    actions.claim_task(user=second_annotator, project=project, kind="rank")

    assert actions.tell_of_tasks() == 0


def test_whoever_left_or_has_a_paused_project_gets_none(project, annotator, wish):
    make_ranking_task(project)
    actions.pause_project(project=project, reason="Lunch.")
    assert actions.tell_of_tasks() == 0
    actions.resume_project(project=project)
    actions.give_roles(project=project, user=annotator, roles=[])

    assert actions.tell_of_tasks() == 0


def test_a_mail_that_could_not_be_sent_is_tried_again(project, wish, monkeypatch):
    make_ranking_task(project)

    def refuse(*args, **kwargs):
        raise smtplib.SMTPServerDisconnected

    with monkeypatch.context() as broken:
        broken.setattr("labeling.actions.wishes.send_mail", refuse)
        assert actions.tell_of_tasks() == 0

    assert actions.tell_of_tasks() == 1


def test_the_name_of_a_project_cannot_forge_a_header(project, annotator, wish):
    project.name = "Nice\nBcc: everybody@example.org"
    project.save()
    make_ranking_task(project)

    actions.tell_of_tasks()

    assert mail.outbox[0].subject.startswith("Nice Bcc: everybody@example.org")
    assert mail.outbox[0].recipients() == [annotator.email]


def test_the_mail_is_in_the_person_s_language(project, annotator, wish):
    annotator.language = "zh-hans"
    annotator.save()
    make_ranking_task(project)

    actions.tell_of_tasks()

    assert mail.outbox[0].subject


def test_the_page_asks_takes_back_and_says_so(client_for, project, annotator):
    client = client_for(annotator)
    address = reverse("wish-for-tasks", args=[project.public_id, "rank"])

    asked = client.post(address, follow=True).content.decode()
    assert f"A mail goes to {annotator.email}" in asked
    back = client.post(address, {"forget": "yes"}, follow=True).content.decode()

    assert "Tell me when there is" in back
    assert TaskWish.objects.count() == 0
    assert client.post(reverse("wish-for-tasks", args=[project.public_id, "cook"])).status_code == 400
