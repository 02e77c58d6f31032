"""How often one may ask: requests a minute, counted in Redis for all processes together."""

import logging
import time

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

WINDOW = 60  # seconds

log = logging.getLogger(__name__)


def check_address(request: Request) -> None:
    """Before anything else: a flood, or somebody who guesses tokens, must not reach the database."""
    _count(f"api-address-{BaseThrottle().get_ident(request)}", settings.API_ADDRESS_REQUESTS_PER_MINUTE)


def check_token(request: Request) -> None:
    if request.auth is not None:
        _count(f"api-token-{request.auth.pk}", settings.API_TOKEN_REQUESTS_PER_MINUTE)


def _count(name: str, limit: int) -> None:
    """One more in this window; Throttled with the seconds until the next one when there are too many.

    Without Redis nothing is counted: that people can work weighs more.
    """
    now = time.time()
    key = f"{name}-{int(now // WINDOW)}"
    try:
        count = _one_more(key)
    except (RedisError, ValueError) as error:
        log.warning("requests are not counted: %s", error)
        return
    if count > limit:
        raise exceptions.Throttled(wait=WINDOW - now % WINDOW + 1)


def _one_more(key: str) -> int:
    try:
        return int(cache.incr(key))
    except ValueError:  # the first of its window
        cache.add(key, 0, timeout=2 * WINDOW)
        return int(cache.incr(key))
