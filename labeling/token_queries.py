"""What can be asked of tokens."""

from datetime import timedelta

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now

from labeling.composed import Composed, asked
from labeling.models import ApiToken, User


def token_with(digest: str) -> ApiToken | None:
    """The token whose key has this SHA-256, with its owner; by the database's clock is_expired, and
    is_unrecorded when its use now is to be recorded."""
    return _TOKEN.first(digest=digest)


def unrecorded_use() -> Q:
    """Tokens whose last use was not recorded within this minute."""
    return Q(last_used_at=None) | Q(last_used_at__lt=Now() - timedelta(minutes=1))


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """Newest first."""
    return _told().filter(user=user).order_by("-pk")


def _told() -> QuerySet[ApiToken]:
    is_expired = ExpressionWrapper(Q(expires_at__lte=Now()), output_field=BooleanField())
    return ApiToken.objects.annotate(is_expired=is_expired)


_TOKEN = Composed(
    lambda: (
        _told()
        .annotate(is_unrecorded=ExpressionWrapper(unrecorded_use(), output_field=BooleanField()))
        .select_related("user")
        .filter(digest=asked("digest"))
    )
)
