"""By link into the project and to the first task, as a new person does it; and what else an account has."""

import pytest
from django.core.cache import cache
from django.urls import reverse

from labeling import actions
from labeling.models import Ranking
from tests import hostile
from tests.making import make_ranking_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _no_requests_so_far():
    cache.clear()
    yield
    cache.clear()


@pytest.mark.parametrize("javascript", [True, False])
def test_from_a_manager_s_link_to_the_first_ranking(new_page, manager, project, javascript):
    make_ranking_task(project)
    page = new_page(manager, java_script_enabled=javascript)
    page.goto(reverse("manage-people", args=[project.public_id]))
    page.click("text=Invite people")
    page.click("button:has-text('Make the invitation')")
    link = page.input_value("#link")
    if javascript:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.click("button:has-text('Copy')")
        page.wait_for_selector("button:has-text('Copied')")
        assert page.evaluate("navigator.clipboard.readText()") == link

    guest = new_page(java_script_enabled=javascript, viewport={"width": 390, "height": 800})
    guest.goto(link)
    guest.fill("[name=email]", "nia@example.org")
    guest.fill("[name=name]", "Nia")
    guest.fill("[name=password]", "a passphrase of my own")
    guest.fill("[name=again]", "a passphrase of my own")
    guest.click("button:has-text('Sign up')")
    guest.click("main >> text=Rank outputs")
    guest.wait_for_selector(".outputs")
    guest.wait_for_load_state()
    if javascript:
        for place in "1234":
            guest.keyboard.press(place)
        guest.keyboard.press("Enter")
        guest.wait_for_selector("text=Nothing to rank right now")
        assert Ranking.objects.get().submission.assignment.user.email == "nia@example.org"

    page.goto(reverse("manage-invitations", args=[project.public_id]))
    assert "Nia" in page.inner_text("tbody") and "used up" in page.inner_text("tbody")
    guest.goto(link)
    guest.wait_for_selector("text=This invitation is used up")


def test_a_hostile_name_of_a_project_stays_a_name_in_its_invitation(new_page, manager, project):
    project.name = hostile.in_one_line(hostile.SHORT["override"], 100)
    project.save()
    made = actions.invite(project=project, actor=manager, roles=["annotator"])
    page = new_page(viewport={"width": 390, "height": 800})

    page.goto(reverse("invitation", args=[made.key]))

    assert page.locator("main strong bdi").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
