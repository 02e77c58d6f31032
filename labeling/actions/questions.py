"""Questions about a task: asked by who works on it, answered by those who run the project."""

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling.actions.texts import check_storable
from labeling.errors import Conflict, DomainError
from labeling.models import Assignment, Thread, ThreadMessage, User

MOST_CHARACTERS = 10_000


@transaction.atomic
def ask_question(*, assignment: Assignment, body: str, idempotency_key: str) -> ThreadMessage:
    """Ask the managers about a task that one has, or had; it waits until one of them answers or closes it.

    A further question goes on in the same thread and opens it again; the answers before it count as read.
    The same idempotency key again returns the first. Refuses an empty or overlong text.
    """
    assignment = Assignment.objects.select_for_update().get(pk=assignment.pk)
    thread = _locked(Thread.objects.get_or_create(assignment=assignment)[0])
    known = thread.messages.filter(idempotency_key=_storable_key(idempotency_key)).first()
    if known:
        return known
    text = checked_text("body", body, _("Write your question first; nothing was sent."))
    _mark_read(thread)
    message = _add(thread, assignment.user, ThreadMessage.Kind.QUESTION, text, idempotency_key)
    Thread.objects.filter(pk=thread.pk).update(closed_at=None, closed_by=None)
    return message


@transaction.atomic
def answer_question(
    *, thread: Thread, author: User, body: str, idempotency_key: str, seen: int
) -> ThreadMessage:
    """Answer, and close: whoever asked is shown it, and may ask further.

    seen: how many messages the page showed that this answers; when there are more by now, it is refused
    (Conflict), for nobody would read the newest any more. The same idempotency key again returns the first.
    Refuses an empty or overlong text.
    """
    thread = _locked(thread)
    known = thread.messages.filter(idempotency_key=_storable_key(idempotency_key)).first()
    if known:
        return known
    text = checked_text("body", body, _("Write the answer first; nothing was sent."))
    _check_seen(thread, seen)
    message = _add(thread, author, ThreadMessage.Kind.ANSWER, text, idempotency_key)
    Thread.objects.filter(pk=thread.pk).update(closed_at=Now(), closed_by=author)
    return message


@transaction.atomic
def close_question(*, thread: Thread, actor: User, seen: int) -> None:
    """Nothing is left to answer. Closing twice is closing once, by whoever was first.

    Refuses when there are more messages by now than the page showed (Conflict).
    """
    thread = _locked(thread)
    if thread.closed_at is None:
        _check_seen(thread, seen)
        Thread.objects.filter(pk=thread.pk).update(closed_at=Now(), closed_by=actor)


def read_answers(*, assignment: Assignment) -> None:
    """Whoever asked has seen the answers; they are not announced any more."""
    for thread in Thread.objects.filter(assignment=assignment):
        _mark_read(thread)


def checked_text(field: str, text: str, empty: str) -> str:
    """The text without white space around it; refuses what says nothing, is too long or cannot be kept."""
    check_storable(field, text)
    text = text.strip()
    if not text:
        raise DomainError("empty_text", empty, {field: empty})
    if len(text) > MOST_CHARACTERS:
        message = _("The text has more than %s characters; say it shorter.") % f"{MOST_CHARACTERS:,}"
        raise DomainError("too_long", message, {field: message})
    return text


def _locked(thread: Thread) -> Thread:
    return Thread.objects.select_for_update().get(pk=thread.pk)


def _check_seen(thread: Thread, seen: int) -> None:
    if thread.messages.count() > seen:
        message = _("Something new was written here meanwhile: read it, then send again.")
        raise Conflict("newer_message", message)


def _storable_key(key: str) -> str:
    check_storable("idempotency_key", key)
    if not 0 < len(key) <= 64:
        raise DomainError("bad_key", _("The page is incomplete: reload it, then send again."))
    return key


def _mark_read(thread: Thread) -> None:
    answers = thread.messages.filter(kind=ThreadMessage.Kind.ANSWER, read_at=None)
    answers.update(read_at=Now())


def _add(thread: Thread, author: User, kind: str, body: str, idempotency_key: str) -> ThreadMessage:
    return ThreadMessage.objects.create(
        thread=thread, author=author, kind=kind, body=body, idempotency_key=idempotency_key
    )
