"""People come in, and into projects."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling import access
from labeling.actions import audit
from labeling.errors import Conflict, DomainError
from labeling.models import Invitation, Membership, Project, User

# What is the same in all roles of one person in a project.
ALIKE = ("group", "languages", "qualified_at", "qualified_by_id")


@dataclass(frozen=True)
class Added:
    """Who came into the project. The password is there once, and only for a new account."""

    user: User
    password: str | None


@transaction.atomic
def add_person(
    *,
    email: str,
    name: str,
    kind: User.Kind = User.Kind.HUMAN,
    password: str | None = None,
    is_site_admin: bool = False,
) -> User:
    """A new account; without a password nobody can sign in with it. Refuses an address in use."""
    if User.objects.filter(email=email.strip().lower()).exists():
        raise DomainError("email_in_use", _("There is already an account with the address %s.") % email)
    return User.objects.create_user(
        email, password, name=name, kind=kind, is_staff=is_site_admin, is_superuser=is_site_admin
    )


def add_member(*, project: Project, user: User, role: str) -> Membership:
    """Give a person a role in a project; twice is the same as once. Their group and languages there stay."""
    if role not in Membership.Role.values:
        raise DomainError(
            "unknown_role",
            _("%(role)s is not a role: choose one of %(roles)s.")
            % {"role": role, "roles": ", ".join(Membership.Role.values)},
        )
    held = Membership.objects.filter(project=project, user=user).first()
    alike = {column: getattr(held, column) for column in ALIKE} if held else {}
    return Membership.objects.get_or_create(project=project, user=user, role=role, defaults=alike)[0]


@transaction.atomic
def add_by_address(
    *, project: Project, email: str, name: str, roles: Collection[str], actor: User | None = None
) -> Added:
    """Bring a person into a project by e-mail address: their account, or a new one with a temporary password.

    Refuses what is no address, no roles, and an account that nobody may sign in with.
    """
    email = email.strip().lower()
    fields = {}
    try:
        validate_email(email)
    except ValidationError as error:
        fields["email"] = " ".join(error.messages)
    if not roles:
        fields["roles"] = _("Choose at least one role.")
    if fields:
        raise DomainError("bad_invitation", _("Nobody was added."), fields)
    user = User.objects.filter(email=email).first()
    password = None
    if user is None:
        password = secrets.token_urlsafe(12)
        user = add_person(email=email, name=name.strip(), password=password)
        User.objects.filter(pk=user.pk).update(password_is_temporary=True)
    elif not user.is_active or user.kind != User.Kind.HUMAN:
        message = _("The account %s is closed, or no person's. A site admin can open it.") % email
        raise DomainError("account_closed", message, {"email": message})
    for role in roles:
        add_member(project=project, user=user, role=role)
    data = {"person": str(user), "roles": sorted(roles)}
    audit.record("person_added", actor=actor, project=project, subject=user, data=data)
    return Added(user, password)


@transaction.atomic
def give_roles(*, project: Project, user: User, roles: Collection[str], actor: User | None = None) -> None:
    """These roles and no others from now on; none takes the person out of the project.

    Refuses to take away the last manager (Conflict): nobody could bring one back.
    """
    if unknown := set(roles) - set(Membership.Role.values):
        raise DomainError("unknown_role", _("There is no role %s.") % ", ".join(sorted(unknown)))
    # One change of roles at a time: of two managers who remove each other, one stays.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    others = access.managers_of(project).exclude(pk=user.pk)
    is_manager = project.memberships.filter(role=Membership.Role.MANAGER, user=user).exists()
    if is_manager and Membership.Role.MANAGER not in roles and not others.exists():
        raise Conflict(
            "last_manager",
            _("%s is the project's last manager: make somebody else a manager first.") % user,
        )
    if is_manager and Membership.Role.MANAGER not in roles:
        revoke_invitations_by(user=user, project=project)
    alike = project.memberships.filter(user=user).values(*ALIKE).first()
    before = sorted(project.memberships.filter(user=user).values_list("role", flat=True))
    project.memberships.filter(user=user).exclude(role__in=roles).delete()
    for role in roles:
        add_member(project=project, user=user, role=role)
    if alike:
        project.memberships.filter(user=user).update(**alike)
    if before != sorted(set(roles)):
        data = {"person": str(user), "roles": audit.change(before, sorted(set(roles)))}
        audit.record("roles_given", actor=actor, project=project, subject=user, data=data)


def revoke_invitations_by(*, user: User, project: Project | None = None) -> None:
    """Whoever may not let people in any more has no links that do; None: in no project."""
    links = Invitation.objects.filter(created_by=user, revoked_at=None)
    (links if project is None else links.filter(project=project)).update(revoked_at=Now())


@transaction.atomic
def set_group(*, project: Project, user: User, group: str, actor: User | None = None) -> None:
    """Say whether this person's rankings train reward models, from the next snapshot on, or measure them.

    Somebody who leaves the project counts as training again. Refuses an unknown group.
    """
    if group not in Membership.Group.values:
        raise DomainError("unknown_group", _("There is no group %s.") % group)
    others = project.memberships.filter(user=user).exclude(group=group)
    before = others.values_list("group", flat=True).first()
    if others.update(group=group):
        data = {"person": str(user), "group": audit.change(before, group)}
        audit.record("group_set", actor=actor, project=project, subject=user, data=data)


@transaction.atomic
def set_languages(
    *, project: Project, user: User, languages: Collection[str], actor: User | None = None
) -> None:
    """Say in which languages this person ranks and writes here; in none means in every one.

    What they have open can be submitted. Refuses what is no language of the project.
    """
    if unknown := set(languages) - set(project.languages):
        raise DomainError(
            "unknown_language", _("%s is not a language of the project.") % ", ".join(sorted(unknown))
        )
    chosen = [code for code in project.languages if code in languages]
    others = project.memberships.filter(user=user).exclude(languages=chosen)
    before = others.values_list("languages", flat=True).first()
    if others.update(languages=chosen):
        data = {"person": str(user), "languages": audit.change(before, chosen)}
        audit.record("languages_set", actor=actor, project=project, subject=user, data=data)


def import_authors(names: Mapping[str, str]) -> dict[str, User]:
    """Address → the account that stands for who wrote imported texts; nobody can sign in with it.

    names: address → name.
    """
    known = set(User.objects.filter(email__in=names).values_list("email", flat=True))
    nobody = make_password(None)
    User.objects.bulk_create(
        (
            User(email=email, name=names[email][:150], kind=User.Kind.IMPORT, password=nobody)
            for email in sorted(names)
            if email not in known
        ),
        ignore_conflicts=True,  # another import may be making the same
    )
    return {user.email: user for user in User.objects.filter(email__in=names)}
