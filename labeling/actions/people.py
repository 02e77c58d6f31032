"""People come in, and into projects."""

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.errors import DomainError
from labeling.models import Membership, Project, User


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
    """Give a person a role in a project; twice is the same as once."""
    if role not in Membership.Role.values:
        raise DomainError(
            "unknown_role",
            _("%(role)s is not a role: choose one of %(roles)s.")
            % {"role": role, "roles": ", ".join(Membership.Role.values)},
        )
    return Membership.objects.get_or_create(project=project, user=user, role=role)[0]
