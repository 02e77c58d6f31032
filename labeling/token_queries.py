"""What can be asked of tokens."""

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now

from labeling.models import ApiToken, User


def token_with(digest: str) -> ApiToken | None:
    """The token whose key has this SHA-256, with its owner; is_expired by the database's clock."""
    return _told().select_related("user").filter(digest=digest).first()


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """Newest first."""
    return _told().filter(user=user).order_by("-pk")


def _told() -> QuerySet[ApiToken]:
    is_expired = ExpressionWrapper(Q(expires_at__lte=Now()), output_field=BooleanField())
    return ApiToken.objects.annotate(is_expired=is_expired)
