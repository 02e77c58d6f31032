"""How often one may ask: requests a minute, counted in Redis for all processes together."""

import logging
import time
from functools import cache

import redis
from django.conf import settings
from redis.exceptions import RedisError
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from labeling.actions.tokens import digest_of
from labeling.api.authentication import key_of

WINDOW = 60  # seconds
# One more of each, in one round: a count lives for two windows.
ONE_MORE = """
    local counts = {}
    for i, name in ipairs(KEYS) do
        counts[i] = redis.call("INCR", name)
        if counts[i] == 1 then redis.call("EXPIRE", name, ARGV[1]) end
    end
    return counts
"""

log = logging.getLogger(__name__)


def check(request: Request) -> None:
    """Before anything else: a flood, or somebody who guesses tokens, must not reach the database.

    Counts the address and the token that is sent, known or not; Throttled, with the seconds until the next
    window, when one of them has asked too often. Without Redis nothing is counted: that people can work
    weighs more.
    """
    limits = {f"address-{BaseThrottle().get_ident(request)}": settings.API_ADDRESS_REQUESTS_PER_MINUTE}
    if key := key_of(request):
        limits[f"token-{digest_of(key)}"] = settings.API_TOKEN_REQUESTS_PER_MINUTE
    now = time.time()
    names = [f"preceptor:api-{name}-{int(now // WINDOW)}" for name in limits]
    try:
        counts = _one_more()(keys=names, args=[2 * WINDOW])
    except RedisError as error:
        log.warning("requests are not counted: %s", error)
        return
    if any(count > limit for count, limit in zip(counts, limits.values(), strict=True)):
        raise exceptions.Throttled(wait=WINDOW - now % WINDOW + 1)


@cache
def _one_more() -> redis.commands.core.Script:
    return redis.Redis.from_url(settings.REDIS_URL).register_script(ONE_MORE)
