"""A manager's page of invitations, and the page that a link opens, by plain forms."""

import re

import pytest
from django.core.cache import cache
from django.urls import reverse

from labeling import actions
from labeling.models import Invitation, Membership, User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

WISH = {"roles": ["annotator"], "group": "training", "uses": "2", "days": "3"}
ME = {"email": "nia@example.org", "name": "Nia", "password": PASSWORD, "again": PASSWORD}


@pytest.fixture(autouse=True)
def _no_requests_so_far():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def page(project):
    return reverse("manage-invitations", args=[project.public_id])


@pytest.fixture
def link(project, manager):
    """The address of an invitation for one annotator."""
    made = actions.invite(project=project, actor=manager, roles=["annotator"])
    return reverse("invitation", args=[made.key])


def test_the_link_is_shown_once_and_lets_in(client_for, manager, page, client):
    manages = client_for(manager)

    answer = manages.post(page, WISH)

    shown = answer.content.decode()
    [link] = set(re.findall(r"http://testserver(/invitation/[\w-]+/)", shown))
    assert "no-store" in answer.headers["Cache-Control"]
    assert link not in manages.get(page).content.decode()
    assert Invitation.objects.get().uses_left == 2
    assert client.get(link).status_code == 200


def test_a_project_with_several_languages_asks_for_them(client_for, manager, project, page):
    manages = client_for(manager)
    assert 'name="languages"' not in manages.get(page).content.decode()
    project.languages = ["en", "zh"]
    project.save()

    manages.post(page, WISH | {"languages": ["zh"], "group": "held_out"})

    invitation = Invitation.objects.get()
    assert (invitation.languages, invitation.group) == (["zh"], "held_out")


def test_without_a_mail_server_the_page_says_to_hand_the_link_over(client_for, manager, page, settings):
    sent = WISH | {"email": "nia@example.org"}

    settings.MAIL = None
    assert "This site sends no mail" in client_for(manager).post(page, sent).content.decode()
    settings.MAIL = "a server"
    assert "is on its way to nia@example.org" in client_for(manager).post(page, sent).content.decode()


@pytest.mark.parametrize("wrong", [{"roles": []}, {"email": "no address"}, {"uses": "0"}, {"days": "many"}])
def test_a_wrong_wish_makes_nothing_and_is_shown_again(client_for, manager, page, wrong):
    answer = client_for(manager).post(page, WISH | wrong)

    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == list(wrong)
    assert not Invitation.objects.exists()


def test_the_list_says_who_came_in_and_revokes(client_for, manager, outsider, page, link):
    client_for(outsider).post(link)
    manages = client_for(manager)
    actions.invite(project=Invitation.objects.get().project, actor=manager, roles=["engineer"])
    newest = Invitation.objects.latest("pk")

    shown = manages.get(page).content.decode()
    assert "Olga" in shown and "used up" in shown and shown.count("Revoke</button>") == 1

    manages.post(reverse("revoke-invitation", args=[newest.public_id]))
    assert "revoked" in manages.get(page).content.decode()


# --- the link


def test_somebody_signs_up_and_is_signed_in_in_the_project(client, link, project):
    answer = client.post(link, ME, follow=True)

    nia = User.objects.get(email="nia@example.org")
    assert answer.redirect_chain == [(reverse("project", args=[project.public_id]), 302)]
    assert answer.wsgi_request.user == nia
    assert Membership.objects.get(user=nia).role == "annotator"


def test_an_invitation_by_e_mail_fixes_the_address(client, project, manager):
    made = actions.invite(project=project, actor=manager, roles=["annotator"], email="nia@example.org")
    address = reverse("invitation", args=[made.key])

    shown = client.get(address).content.decode()
    assert 'value="nia@example.org"' in shown and 'name="email"' not in shown

    client.post(address, ME | {"email": "other@example.org"})
    assert User.objects.filter(email="nia@example.org").exists()
    assert not User.objects.filter(email="other@example.org").exists()


def test_whoever_is_signed_in_comes_in_with_one_button(client_for, outsider, link, project):
    client = client_for(outsider)
    assert "You are signed in as" in client.get(link).content.decode()

    answer = client.post(link, follow=True)

    assert answer.redirect_chain[-1][0] == reverse("project", args=[project.public_id])
    assert "You are in the project now." in answer.content.decode()
    assert Membership.objects.get(user=outsider).role == "annotator"


def test_whoever_has_an_account_signs_in_first_and_comes_back(client, outsider, link):
    sign_in = re.search(r'href="(/accounts/login/\?next=[^"]+)"', client.get(link).content.decode())[1]

    answer = client.post(sign_in, {"login": outsider.email, "password": PASSWORD})

    assert answer.headers["Location"] == link


@pytest.mark.parametrize(
    "wrong, field",
    [
        ({"again": "another passphrase"}, "again"),
        ({"password": "short", "again": "short"}, "password"),
        ({"name": ""}, "name"),
        ({"email": "olga@example.org"}, "email"),
    ],
)
def test_a_wrong_sign_up_is_shown_again_without_its_passwords(client, outsider, link, wrong, field):
    answer = client.post(link, ME | wrong)

    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == [field]
    assert PASSWORD not in answer.content.decode()
    assert not User.objects.filter(name="Nia").exists()


@pytest.mark.parametrize(
    "change, status, words",
    [
        ({"uses_left": 0}, 410, "used up"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 410, "has expired"),
        ({"revoked_at": "2020-01-01T00:00:00Z"}, 410, "was revoked"),
    ],
)
def test_a_link_that_is_over_says_so_and_what_to_do(
    client, client_for, outsider, link, change, status, words
):
    Invitation.objects.update(**change)

    for visitor in (client, client_for(outsider)):
        for answer in (visitor.get(link), visitor.post(link, ME)):
            assert answer.status_code == status
            assert words in answer.content.decode()
    assert not User.objects.filter(name="Nia").exists()
    assert not outsider.memberships.exists()


def test_a_link_that_was_never_made_is_not_found(client):
    answer = client.get(reverse("invitation", args=["x" * 43]))

    assert answer.status_code == 404
    assert "not copied whole" in answer.content.decode()


def test_links_are_opened_only_so_often(client, link, settings):
    settings.ACCOUNT_RATE_LIMITS = {"invitation": "2/m/ip"}
    assert [client.get(link).status_code for _time in range(2)] == [200, 200]

    answer = client.get(link)

    assert answer.status_code == 429
    assert 50 <= int(answer.headers["Retry-After"]) <= 60


def test_without_an_invitation_there_is_no_sign_up(client):
    sent = {"email": "me@example.org", "password1": PASSWORD, "password2": PASSWORD}

    answer = client.post(reverse("account_signup"), sent)

    assert not User.objects.filter(email="me@example.org").exists()
    assert b"closed" in answer.content.lower()
