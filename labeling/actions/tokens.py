"""Keys for programs: made, and revoked."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.errors import DomainError
from labeling.models import ApiToken, User
from labeling.token_queries import unrecorded_use

MOST_DAYS = 366
# Recognised by scanners that look for keys in places where none belong.
MARK = "prc_"
SHOWN = 12  # characters of the key that stay readable


@transaction.atomic
def make_token(*, user: User, name: str, scopes: Sequence[str], days: int) -> tuple[ApiToken, str]:
    """A new token and its key, which exists nowhere else: only the SHA-256 of it is kept.

    Refuses a token without a name or scope, an unknown scope, and one that would live for over a year.
    """
    fields = {}
    if not name.strip() or len(name) > 120:
        fields["name"] = _("Give it a name of up to 120 characters, such as the program that uses it.")
    if not scopes or set(scopes) - set(ApiToken.Scope.values):
        fields["scopes"] = _("Choose what it may do: some of %s.") % ", ".join(ApiToken.Scope.values)
    if not 1 <= days <= MOST_DAYS:
        fields["days"] = _("It expires after 1 to %s days.") % MOST_DAYS
    if fields:
        raise DomainError("bad_token", _("The token was not made."), fields)
    key = MARK + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name.strip(),
        digest=digest_of(key),
        prefix=key[:SHOWN],
        scopes=[scope for scope in ApiToken.Scope.values if scope in scopes],
        expires_at=Now() + timedelta(days=days),
    )
    token.refresh_from_db()
    data = {"name": token.name, "scopes": token.scopes, "expires": token.expires_at.date().isoformat()}
    audit.record("token_made", actor=user, subject=token, data=data)
    return token, key


def digest_of(key: str) -> str:
    """What is kept of a key. It has 256 random bits, so a slow hash would protect nothing."""
    return hashlib.sha256(key.encode()).hexdigest()


@transaction.atomic
def revoke_token(*, token: ApiToken) -> None:
    """No request with it is answered any more. Twice is the same as once."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=Now()):
        audit.record("token_revoked", actor=token.user, subject=token, data={"name": token.name})


def record_use(*, token: ApiToken) -> None:
    """When it was last used, to the minute: a busy program writes one row a minute, not one a request."""
    ApiToken.objects.filter(unrecorded_use(), pk=token.pk).update(last_used_at=Now())
