"""Inviting people into a project, and coming in by an invitation."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext as _

from labeling import access, mails
from labeling.actions import audit
from labeling.actions.people import add_member, add_person
from labeling.actions.texts import check_storable
from labeling.actions.tokens import digest_of
from labeling.errors import Conflict, DomainError
from labeling.invitation_queries import State, invitations, state_of
from labeling.models import Invitation, InvitationAcceptance, Membership, Project, User

MOST_DAYS = 90


@dataclass(frozen=True)
class NewInvitation:
    """The key is there once: only its SHA-256 is kept. problem: why the mail did not go out."""

    invitation: Invitation
    key: str
    problem: str = ""


class NoInvitation(Conflict):
    """The link opens nothing (any more)."""

    status = 410


def invite(
    *,
    project: Project,
    actor: User,
    roles: Collection[str],
    group: str = Membership.Group.TRAINING,
    languages: Collection[str] = (),
    email: str = "",
    uses: int = 1,
    days: int = 7,
) -> NewInvitation:
    """A link into the project with these roles: for one person by e-mail, or for so many people who have it.

    What was made stays when the mail fails: the link can be handed over in another way. Refuses what is no
    address, no or unknown roles, an unknown group, a language the project has not, and what lasts too long.
    """
    email = email.strip().lower()
    uses = 1 if email else uses
    _check_wish(project, roles=roles, group=group, languages=languages, email=email, uses=uses, days=days)
    key = secrets.token_urlsafe(32)
    with transaction.atomic():
        invitation = Invitation.objects.create(
            project=project,
            created_by=actor,
            digest=digest_of(key),
            email=email,
            roles=[role for role in Membership.Role.values if role in roles],
            group=group,
            languages=[code for code in project.languages if code in languages],
            uses_left=uses,
            expires_at=Now() + timedelta(days=days),
        )
        invitation.refresh_from_db()
        data = {"roles": invitation.roles, "email": email, "uses": uses}
        audit.record("invitation_made", actor=actor, project=project, subject=invitation, data=data)
    try:
        if email:
            _send(invitation, key)
    except mails.MailFailed as error:
        return NewInvitation(invitation, key, error.message)
    return NewInvitation(invitation, key)


@transaction.atomic
def accept_invitation(*, key: str, user: User) -> Project:
    """Come into the project with the account one has; twice is the same as once, and uses it once.

    Roles one has stay, and with them one's group and languages. Refuses a link that is over (NoInvitation)
    and whoever is suspended there (Conflict).
    """
    invitation = _locked(key)
    if not InvitationAcceptance.objects.filter(invitation=invitation, user=user).exists():
        _check_open(invitation)
        _come_in(invitation, user)
    return invitation.project


@transaction.atomic
def sign_up(*, key: str, email: str, name: str, password: str) -> User:
    """A new account by an invitation, and into its project; an invitation by e-mail says the address.

    Refuses a link that is over (NoInvitation), an address in use, no name, and a password that is too easy.
    """
    invitation = _locked(key)
    _check_open(invitation)
    email = invitation.email or email.strip().lower()
    _check_account(email, name.strip(), password)
    try:
        user = add_person(email=email, name=name.strip(), password=password)
    except DomainError as error:
        message = _("There is an account with this address already: sign in, and open the link again.")
        raise DomainError(error.code, message, {"email": message}) from error
    _come_in(invitation, user)
    return user


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, actor: User | None = None) -> None:
    """Its link opens nothing any more; who came in by it stays. Twice is the same as once."""
    if Invitation.objects.filter(pk=invitation.pk, revoked_at=None).update(revoked_at=Now()):
        audit.record("invitation_revoked", actor=actor, project=invitation.project, subject=invitation)


def _check_wish(
    project: Project,
    *,
    roles: Collection[str],
    group: str,
    languages: Collection[str],
    email: str,
    uses: int,
    days: int,
) -> None:
    fields = {}
    try:
        if email:
            validate_email(email)
    except ValidationError as error:
        fields["email"] = " ".join(error.messages)
    if not roles or set(roles) - set(Membership.Role.values):
        fields["roles"] = _("Choose at least one role.")
    if group not in Membership.Group.values:
        fields["group"] = _("There is no group %s.") % group
    if unknown := set(languages) - set(project.languages):
        fields["languages"] = _("%s is not a language of the project.") % ", ".join(sorted(unknown))
    if not 1 <= uses <= Invitation.MOST_USES:
        fields["uses"] = _("A link lets in 1 to %s people.") % Invitation.MOST_USES
    if not 1 <= days <= MOST_DAYS:
        fields["days"] = _("An invitation lasts 1 to %s days.") % MOST_DAYS
    if fields:
        raise DomainError("bad_invitation", _("Nobody was invited."), fields)


def _check_account(email: str, name: str, password: str) -> None:
    check_storable("name", name)
    fields = {}
    if not name or len(name) > 150:
        fields["name"] = _("Write your name, in up to 150 characters.")
    try:
        validate_email(email)
    except ValidationError as error:
        fields["email"] = " ".join(error.messages)
    try:
        validate_password(password, User(email=email, name=name))
    except ValidationError as error:
        fields["password"] = " ".join(error.messages)
    if fields:
        raise DomainError("bad_account", _("The account was not made."), fields)


def _locked(key: str) -> Invitation:
    """Locked, so that of two who use it for the last time one comes in."""
    found = invitations().select_for_update(of=("self",)).filter(digest=digest_of(key)).first()
    if found is None:
        raise NoInvitation(
            "no_invitation", _("There is no such invitation. Copy the whole link, or ask for another.")
        )
    return found


def _check_open(invitation: Invitation) -> None:
    refusals = {
        State.REVOKED: _("This invitation was revoked. Ask whoever sent it for another."),
        State.USED_UP: _("This invitation is used up. Ask whoever sent it for another."),
        State.EXPIRED: _("This invitation has expired. Ask whoever sent it for another."),
    }
    state = state_of(invitation)
    if state != State.OPEN:
        raise NoInvitation(f"invitation_{state}", refusals[state])


def _come_in(invitation: Invitation, user: User) -> None:
    project = invitation.project
    if access.is_suspended(user, project):
        raise Conflict("suspended", _("You are suspended in this project; ask one of its managers."))
    is_new = not project.memberships.filter(user=user).exists()
    for role in invitation.roles:
        add_member(project=project, user=user, role=role)
    if is_new:
        languages = [code for code in project.languages if code in invitation.languages]
        project.memberships.filter(user=user).update(group=invitation.group, languages=languages)
    Invitation.objects.filter(pk=invitation.pk).update(uses_left=F("uses_left") - 1)
    InvitationAcceptance.objects.create(invitation=invitation, user=user)
    data = {"person": str(user), "roles": invitation.roles}
    audit.record("invitation_accepted", actor=user, project=project, subject=invitation, data=data)


def _send(invitation: Invitation, key: str) -> None:
    """In the language of the page: what the person reads is not known yet."""
    lines = [
        _("%(who)s invites you into the project %(project)s.")
        % {"who": invitation.created_by, "project": invitation.project},
        _("Open this link to sign up, or to come in with the account that you have:"),
        settings.SITE_URL + reverse("invitation", args=[key]),
        "",
        _("It works until %s (UTC), and for one person. If you did not expect it, leave it alone.")
        % f"{invitation.expires_at:%Y-%m-%d %H:%M}",
    ]
    subject = _("You are invited into %s") % invitation.project
    mails.send(invitation.email, subject=subject, lines=lines)
