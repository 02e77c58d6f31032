"""How often one may ask: requests a minute, counted in Redis for all processes together.

Far from the limit a process lets a few requests through before it counts them there, all at once: a share of
what is left, so that nobody is refused too early, few go uncounted, and the last ones before the limit are
counted one by one.
"""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
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
# Of what is left in a window, and how many at most, go through uncounted for a while.
UNCOUNTED_SHARE = 1 / 64
UNCOUNTED_MOST = 16
# So many more of each, in one round: a count lives for two windows.
MORE = """
    local counts = {}
    for i, name in ipairs(KEYS) do
        local more = tonumber(ARGV[i + 1])
        counts[i] = redis.call("INCRBY", name, more)
        if counts[i] == more then redis.call("EXPIRE", name, ARGV[1]) end
    end
    return counts
"""

log = logging.getLogger(__name__)


@dataclass
class _Uncounted:
    """What this process lets through, and has let through, since it counted last; by address and token."""

    window: int = 0
    may_pass: dict[str, int] = field(default_factory=dict)
    passed: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def one_more(self, window: int, names: Iterable[str]) -> dict[str, int]:
        """Of this request; what is to be counted now, with how many there have been."""
        with self.lock:
            if window != self.window:
                self.window, self.may_pass, self.passed = window, {}, {}
            due = {}
            for name in names:
                self.passed[name] = self.passed.get(name, 0) + 1
                if self.passed[name] > self.may_pass.get(name, 0):
                    due[name] = self.passed.pop(name)
            return due

    def let_pass(self, window: int, name: str, left: int) -> None:
        with self.lock:
            if window == self.window:
                self.may_pass[name] = min(int(left * UNCOUNTED_SHARE), UNCOUNTED_MOST)


_uncounted = _Uncounted()


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
    window = int(now // WINDOW)
    due = _uncounted.one_more(window, limits)
    if not due:
        return
    keys = [f"preceptor:api-{name}-{window}" for name in due]
    try:
        counts = _count()(keys=keys, args=[2 * WINDOW, *due.values()])
    except RedisError as error:
        log.warning("requests are not counted: %s", error)
        return
    left = {name: limits[name] - count for name, count in zip(due, counts, strict=True)}
    for name, more in left.items():
        _uncounted.let_pass(window, name, more)
    if min(left.values()) < 0:
        raise exceptions.Throttled(wait=WINDOW - now % WINDOW + 1)


@cache
def _count() -> redis.commands.core.Script:
    return redis.Redis.from_url(settings.REDIS_URL).register_script(MORE)
