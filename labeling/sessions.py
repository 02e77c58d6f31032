"""Where somebody is signed in: marks of sessions, browsers by name, and when each was last seen.

allauth keeps a row for each session, from the sign-in on. Its own middleware would write that row with every
request; here it is written every few minutes, and the session itself remembers when.
"""

import hashlib
import time
from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse

SEEN = "seen_at"
EVERY = 300  # seconds

# What a browser says of itself names its ancestors too: the first that is found is the one.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
    "curl/": "curl",
}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def mark_of(session_key: str) -> str:
    """Names a session on a page. The key itself would sign in whoever reads it."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:32]


def browser_of(user_agent: str) -> str:
    """“Firefox · Linux”; what nobody knows is shown as it came, in part."""
    known = [
        next((name for word, name in names.items() if word in user_agent), "")
        for names in (BROWSERS, SYSTEMS)
    ]
    return " · ".join(name for name in known if name) or user_agent[:60]


def begin(request: HttpRequest) -> None:
    """Somebody signs in."""
    request.session[SEEN] = time.time()


class LastSeenMiddleware:
    """Keeps when a session was last in use, to some minutes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        seen = request.session.get(SEEN)
        if seen is not None and seen < time.time() - EVERY and request.user.is_authenticated:
            UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=Now())
            begin(request)
        return self.get_response(request)
