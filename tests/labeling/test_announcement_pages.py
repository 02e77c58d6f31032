"""Notices on people's pages, and the pages on which they are written."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from labeling import actions
from labeling.models import Announcement
from tests.making import make_demonstration_task

pytestmark = pytest.mark.django_db

TODAY = timezone.now().date()


@pytest.fixture
def admin(person):
    admin = person("Adam")
    admin.is_staff = admin.is_superuser = True
    admin.save()
    return admin


@pytest.fixture
def notice(project, manager):
    return actions.announce(
        project=project,
        body={"en": "Closed on **Friday** <script>."},
        first_day=TODAY,
        last_day=None,
        author=manager,
    )


def text_of(client, name, *arguments):
    return client.get(reverse(name, args=arguments)).content.decode()


def test_it_stands_on_home_and_on_the_project_s_page_and_never_over_work(
    client_for, project, annotator, notice
):
    make_demonstration_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="demonstrate")
    client = client_for(annotator)

    for name, arguments in (("home", []), ("project", [project.public_id])):
        page = text_of(client, name, *arguments)
        assert "Closed on <strong>Friday</strong> &lt;script&gt;." in page
    assert "Closed on" not in text_of(client, "assignment", assignment.public_id)


@pytest.mark.parametrize("from_project", [True, False])
def test_putting_it_away_leads_back_to_where_it_stood(
    client_for, project, annotator, second_annotator, notice, from_project
):
    client = client_for(annotator)
    sent = {"project": str(project.public_id)} if from_project else {}

    answer = client.post(reverse("dismiss-announcement", args=[notice.public_id]), sent)

    assert answer.url == (reverse("project", args=[project.public_id]) if from_project else reverse("home"))
    assert "Closed on" not in text_of(client, "home")
    assert "Closed on" in text_of(client_for(second_annotator), "home")


def test_nobody_puts_away_what_they_are_not_shown(client_for, outsider, notice):
    answer = client_for(outsider).post(reverse("dismiss-announcement", args=[notice.public_id]))

    assert answer.status_code == 404
    assert not notice.dismissals.exists()


def test_a_manager_writes_changes_and_ends_one(client_for, project, manager, annotator):
    project.languages = ["en", "zh"]
    project.save()
    client = client_for(manager)
    address = reverse("manage-announcements", args=[project.public_id])
    sent = {"body_en": "Hello.", "body_zh": "你好。", "role": "annotator", "first_day": str(TODAY)}

    assert client.post(address, sent).url == address
    one = Announcement.objects.get()
    assert (one.body, one.role, one.author) == ({"en": "Hello.", "zh": "你好。"}, "annotator", manager)
    actions.dismiss_announcement(announcement=one, user=annotator)
    page = text_of(client, "announcement", one.public_id)
    assert f'value="{TODAY}"' in page and "你好。" in page

    client.post(
        reverse("announcement", args=[one.public_id]),
        sent | {"body_en": "Hello!", "last_day": str(TODAY + timedelta(days=2)), "show_again": "on"},
    )
    assert "Hello!" in text_of(client_for(annotator), "home")
    page = text_of(client, "announcement", one.public_id)
    assert f'value="{TODAY + timedelta(days=2)}"' in page

    assert client.post(reverse("end-announcement", args=[one.public_id])).url == address
    assert "Hello!" not in text_of(client_for(annotator), "home")
    assert "over" in text_of(client, "manage-announcements", project.public_id)


def test_a_refused_notice_comes_back_as_it_was_written(client_for, project, manager):
    answer = client_for(manager).post(
        reverse("manage-announcements", args=[project.public_id]),
        {"body_en": "Kept.", "first_day": str(TODAY), "last_day": str(TODAY - timedelta(days=1))},
    )

    page = answer.content.decode()
    assert answer.status_code == 400
    assert "It ends before it begins." in page and "Kept.</textarea>" in page


def test_site_admins_tell_everybody(client_for, admin, manager, outsider):
    address = reverse("site-announcements")

    client_for(admin).post(address, {"body_en": "Maintenance.", "first_day": str(TODAY)})

    one = Announcement.objects.get()
    assert one.project is None
    assert "Maintenance." in text_of(client_for(outsider), "home")
    assert address in text_of(client_for(admin), "home")
    assert client_for(manager).get(address).status_code == 404
    assert client_for(manager).get(reverse("announcement", args=[one.public_id])).status_code == 404
