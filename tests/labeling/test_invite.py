"""Inviting, coming in by an invitation with an account or a new one, and every link that is over."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from labeling import actions
from labeling.errors import Conflict, DomainError
from labeling.invitation_queries import invitations_of
from labeling.models import Invitation, Membership, User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def invite(project, manager):
    def make(**fields):
        return actions.invite(project=project, actor=manager, **{"roles": ["annotator"], **fields})

    return make


def roles_of(user, project):
    held = Membership.objects.filter(user=user, project=project)
    return sorted(held.values_list("role", "group", "languages"))


def sign_up(made, email="nia@example.org", **fields):
    return actions.sign_up(key=made.key, email=email, **{"name": "Nia", "password": PASSWORD, **fields})


# --- inviting


def test_a_link_is_for_one_person_and_seven_days_and_its_key_is_not_kept(invite):
    made = invite()

    kept = made.invitation
    assert (kept.uses_left, kept.email, kept.roles) == (1, "", ["annotator"])
    assert kept.expires_at - kept.created_at == timedelta(days=7)
    assert len(made.key) >= 43 and made.key not in str(Invitation.objects.values().get())
    assert mail.outbox == []


def test_an_invitation_by_e_mail_is_sent_and_for_one_person_whatever_is_asked(invite, project):
    made = invite(email=" Nia@Example.org ", uses=9)

    [message] = mail.outbox
    assert message.to == ["nia@example.org"]
    assert message.subject == "You are invited into Helpful answers"
    assert f"http://localhost:8000/invitation/{made.key}/" in message.body
    assert (made.invitation.uses_left, made.problem) == (1, "")


def test_an_invitation_stands_when_its_mail_fails(invite, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # where nobody listens

    made = invite(email="nia@example.org")

    assert "could not be sent" in made.problem
    assert sign_up(made).email == "nia@example.org"


@pytest.mark.parametrize(
    "wish, field",
    [
        ({"email": "no address"}, "email"),
        ({"roles": []}, "roles"),
        ({"roles": ["king"]}, "roles"),
        ({"group": "third"}, "group"),
        ({"languages": ["fr"]}, "languages"),
        ({"uses": 0}, "uses"),
        ({"uses": 501}, "uses"),
        ({"days": 0}, "days"),
        ({"days": 91}, "days"),
    ],
)
def test_what_makes_no_invitation_is_refused_with_its_field(invite, wish, field):
    with pytest.raises(DomainError) as refused:
        invite(**wish)

    assert list(refused.value.fields) == [field]
    assert not Invitation.objects.exists()


def test_the_database_holds_that_no_more_come_in_than_were_invited(invite):
    made = invite()

    for broken in ({"uses_left": 501}, {"roles": []}, {"email": "a@example.org", "uses_left": 2}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Invitation.objects.filter(pk=made.invitation.pk).update(**broken)


# --- coming in


def test_somebody_signs_up_with_what_the_invitation_gives(invite, project):
    project.languages = ["en", "zh"]
    project.save()
    made = invite(roles=["reviewer", "annotator"], group="held_out", languages=["zh"])

    nia = sign_up(made, "Nia@Example.org", name=" Nia ")

    assert (nia.email, nia.name, nia.kind, nia.password_is_temporary) == (
        "nia@example.org",
        "Nia",
        "human",
        False,
    )
    assert nia.check_password(PASSWORD)
    assert roles_of(nia, project) == [
        ("annotator", "held_out", ["zh"]),
        ("reviewer", "held_out", ["zh"]),
    ]
    assert [row.user for row in made.invitation.acceptances.all()] == [nia]


def test_the_address_of_an_invitation_by_e_mail_cannot_be_changed(invite):
    made = invite(email="nia@example.org")

    assert sign_up(made, "somebody-else@example.org").email == "nia@example.org"


def test_whoever_has_an_account_comes_in_with_it_once(invite, project, outsider):
    made = invite(uses=2)

    for _time in range(2):
        assert actions.accept_invitation(key=made.key, user=outsider) == project

    made.invitation.refresh_from_db()
    assert made.invitation.uses_left == 1
    assert roles_of(outsider, project) == [("annotator", "training", [])]


def test_a_member_gets_further_roles_and_keeps_their_group(invite, project, annotator):
    actions.set_group(project=project, user=annotator, group="held_out")

    actions.accept_invitation(key=invite(roles=["engineer"]).key, user=annotator)

    assert roles_of(annotator, project) == [("annotator", "held_out", []), ("engineer", "held_out", [])]


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"email": "no address"}, "email"),
        ({"email": "ADA@example.org"}, "email"),
        ({"name": "  "}, "name"),
        ({"password": "short"}, "password"),
        ({"password": "1234567890123"}, "password"),
        ({"password": "nia@example.org"}, "password"),
    ],
)
def test_who_cannot_sign_up_is_told_which_field_and_uses_nothing_up(invite, annotator, fields, field):
    made = invite()

    with pytest.raises(DomainError) as refused:
        sign_up(made, **fields)

    assert list(refused.value.fields) == [field]
    assert not User.objects.filter(name="Nia").exists()
    made.invitation.refresh_from_db()
    assert made.invitation.uses_left == 1


def over(invitation, how):
    if how == "revoked":
        actions.revoke_invitation(invitation=invitation)
    elif how == "expired":
        Invitation.objects.filter(pk=invitation.pk).update(expires_at=Now() - timedelta(seconds=1))
    else:
        Invitation.objects.filter(pk=invitation.pk).update(uses_left=0)


@pytest.mark.parametrize("how", ["revoked", "expired", "used_up"])
def test_a_link_that_is_over_lets_nobody_in(invite, project, outsider, how):
    made = invite()
    over(made.invitation, how)

    for come in (
        lambda: sign_up(made),
        lambda: actions.accept_invitation(key=made.key, user=outsider),
    ):
        with pytest.raises(actions.NoInvitation) as refused:
            come()
        assert (refused.value.code, refused.value.status) == (f"invitation_{how}", 410)
    assert project.memberships.exclude(role="manager").count() == 0
    assert [row.state for row in invitations_of(project)] == [how]


def test_a_key_that_was_never_made_opens_nothing(db, outsider):
    with pytest.raises(actions.NoInvitation):
        actions.accept_invitation(key="x" * 43, user=outsider)


def test_whoever_came_in_is_still_in_when_the_link_is_revoked(invite, project, outsider):
    made = invite()
    actions.accept_invitation(key=made.key, user=outsider)

    actions.revoke_invitation(invitation=made.invitation)

    assert actions.accept_invitation(key=made.key, user=outsider) == project
    assert roles_of(outsider, project) != []


def test_a_suspension_is_not_got_round_by_an_invitation(invite, project, annotator, manager):
    actions.suspend_member(project=project, user=annotator, actor=manager, reason="Spam.", sets_aside=False)
    made = invite(roles=["manager"])

    with pytest.raises(Conflict, match="suspended"):
        actions.accept_invitation(key=made.key, user=annotator)

    made.invitation.refresh_from_db()
    assert made.invitation.uses_left == 1


def test_the_links_of_whoever_stops_managing_stop_too(invite, project, manager, person):
    kept = person("Max", "manager", project=project)
    made = invite(roles=["manager"], uses=5)

    actions.give_roles(project=project, user=manager, roles=["annotator"])

    with pytest.raises(actions.NoInvitation):
        sign_up(made)
    assert list(project.memberships.filter(role="manager").values_list("user", flat=True)) == [kept.pk]


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_use_the_last_place_at_once_one_comes_in(project, manager, person):
    made = actions.invite(project=project, actor=manager, roles=["annotator"])
    people = [person(f"Person{n}") for n in range(8)]
    barrier = threading.Barrier(8)
    outcomes = []

    def come_in(user):
        barrier.wait()
        try:
            actions.accept_invitation(key=made.key, user=user)
            outcomes.append("in")
        except actions.NoInvitation as refused:
            outcomes.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=come_in, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["in", *["invitation_used_up"] * 7]
    assert project.memberships.filter(role="annotator").count() == 1
    made.invitation.refresh_from_db()
    assert made.invitation.uses_left == 0
