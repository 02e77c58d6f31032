"""A forgotten password: the mail and its link, or a site admin's link; nobody learns who has an account."""

import re

import pytest
from django.core import mail
from django.core.cache import cache
from django.urls import reverse

from labeling.models import User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

NEW = {"password1": "another passphrase", "password2": "another passphrase"}
FORM_TOKEN = re.compile(r'value="\w{64}"')
LINK = re.compile(r"http://localhost:8000(/accounts/password/reset/key/\S+)")


@pytest.fixture(autouse=True)
def _no_requests_so_far():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def site_admin(person):
    ann = person("Ann")
    ann.is_staff = ann.is_superuser = True
    ann.save()
    return ann


def ask(client, email, **headers):
    return client.post(reverse("account_reset_password"), {"email": email}, headers=headers, follow=True)


def choose(client, link, sent=NEW):
    """Open the link as a browser does, which hides its key, and choose."""
    hidden = client.get(link).headers["Location"]
    return client.post(hidden, sent)


def test_the_link_in_the_mail_gives_a_new_password_and_signs_in(client, annotator):
    User.objects.filter(pk=annotator.pk).update(password_is_temporary=True)
    ask(client, "Ada@Example.org")
    [message] = mail.outbox
    assert (message.to, message.subject) == ([annotator.email], "Preceptor: choose a new password")

    answer = choose(client, LINK.search(message.body)[1])

    annotator.refresh_from_db()
    assert annotator.check_password("another passphrase") and not annotator.password_is_temporary
    assert answer.headers["Location"] == "/"
    assert client.get("/").wsgi_request.user == annotator


def test_the_link_works_once_and_a_wrong_one_says_what_to_do(client, annotator):
    ask(client, annotator.email)
    link = LINK.search(mail.outbox[0].body)[1]
    choose(client, link)
    client.logout()

    for over in (link, "/accounts/password/reset/key/1-wrong-key/"):
        answer = client.get(over)
        assert "This link does not work any more" in answer.content.decode()
        assert reverse("account_reset_password") in answer.content.decode()


def test_a_password_that_is_too_easy_is_refused(client, annotator):
    ask(client, annotator.email)

    answer = choose(client, LINK.search(mail.outbox[0].body)[1], {"password1": "short", "password2": "short"})

    assert answer.status_code == 200 and "too short" in answer.content.decode()
    annotator.refresh_from_db()
    assert annotator.check_password(PASSWORD)


def test_the_answer_is_the_same_whether_there_is_an_account_or_not(client, annotator, person):
    closed, author = person("Closed"), person("Author")
    User.objects.filter(pk=closed.pk).update(is_active=False)
    User.objects.filter(pk=author.pk).update(kind="import")

    addresses = [annotator.email, closed.email, author.email, "nobody@example.org"]
    answers = [ask(client, email) for email in addresses]

    pages = {FORM_TOKEN.sub("", answer.content.decode()) for answer in answers}
    assert ({answer.status_code for answer in answers}, len(pages)) == ({200}, 1)
    assert [message.to for message in mail.outbox] == [[email] for email in addresses]
    # Only whoever can sign in is sent a link; the others are told, in their own mail, that they cannot.
    assert [bool(LINK.search(message.body)) for message in mail.outbox] == [True, False, False, False]


def test_the_mail_is_in_the_language_of_the_person(client, annotator):
    User.objects.filter(pk=annotator.pk).update(language="zh-hans")

    ask(client, annotator.email)

    assert mail.outbox[0].to == [annotator.email]
    assert LINK.search(mail.outbox[0].body)


def test_the_link_leads_to_the_site_whatever_host_was_asked(client, annotator):
    ask(client, annotator.email, Host="127.0.0.1")

    assert LINK.search(mail.outbox[0].body)


def test_when_no_mail_can_be_sent_the_page_says_so(client, annotator, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # where nobody listens

    for email in (annotator.email, "nobody@example.org"):
        answer = ask(client, email)
        assert answer.status_code == 503
        assert "The mail could not be sent." in answer.content.decode()


def test_asking_too_often_is_refused(client, annotator):
    answers = [ask(client, annotator.email).status_code for _time in range(6)]

    assert answers == [200] * 5 + [429]
    assert len(mail.outbox) == 5


def test_a_site_admin_makes_a_link_and_nobody_else_does(client, client_for, site_admin, manager, annotator):
    address = reverse("reset-link", args=[annotator.public_id])
    assert client_for(manager).post(address).status_code == 404

    answer = client_for(site_admin).post(address)

    assert "no-store" in answer.headers["Cache-Control"]
    link = re.search(r"http://testserver(/accounts/password/reset/key/[^\"]+)", answer.content.decode())[1]
    choose(client, link)
    annotator.refresh_from_db()
    assert annotator.check_password("another passphrase")


def test_a_site_that_sends_no_mail_says_who_can_help(client, settings):
    settings.MAIL = None

    assert "This site sends no mail" in client.get(reverse("account_reset_password")).content.decode()
