"""Who asks: the bearer of a token."""

from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from labeling.actions.tokens import digest_of, record_use
from labeling.models import ApiToken, User
from labeling.token_queries import token_with


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer …`. request.auth is the token, request.user its owner."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        key = key_of(request)
        if key is None:
            return None
        token = token_with(digest_of(key))
        if token is None or not token.user.is_active:
            raise exceptions.AuthenticationFailed(_("There is no such token."), code="unknown_token")
        if token.revoked_at is not None:
            raise exceptions.AuthenticationFailed(
                _("This token was revoked; make another on your account's page."), code="token_revoked"
            )
        if token.is_expired:  # type: ignore[attr-defined] # annotated
            raise exceptions.AuthenticationFailed(
                _("This token has expired; make another on your account's page."), code="token_expired"
            )
        if token.is_unrecorded:  # type: ignore[attr-defined] # annotated
            record_use(token=token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def key_of(request: Request) -> str | None:
    """The key that is sent, whether or not it is a token's; None without one."""
    scheme, _space, key = get_authorization_header(request).partition(b" ")
    return key.strip().decode("latin-1") if scheme.lower() == b"bearer" else None
