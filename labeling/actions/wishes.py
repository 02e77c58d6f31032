"""Telling people that there is something to do again: one mail for each time they asked."""

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from labeling import access, queries
from labeling.errors import DomainError
from labeling.models import Project, Task, TaskWish, User
from labeling.pauses import site_pause

logger = logging.getLogger(__name__)

AT_ONCE = 200


def wish_for_tasks(*, user: User, project: Project, kind: str) -> TaskWish:
    """Ask for one mail when there are tasks of this kind; twice is once."""
    if kind not in Task.Kind.values:
        raise DomainError("unknown_kind", _("There are no tasks of the kind %s.") % kind)
    return TaskWish.objects.get_or_create(user=user, project=project, kind=kind, told_at=None)[0]


def forget_wish(*, user: User, project: Project, kind: str) -> None:
    """No mail after all."""
    TaskWish.objects.filter(user=user, project=project, kind=kind, told_at=None).delete()


def tell_of_tasks() -> int:
    """Write to whoever asked and could be given a task now; returns how many mails went out.

    A wish and its mail are one transaction: a mail that could not be sent is tried again at the next sweep.
    """
    if site_pause() is not None:
        return 0
    waiting = TaskWish.objects.filter(told_at=None, project__paused_at=None, user__is_active=True)
    return sum(_tell(pk) for pk in waiting.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def _tell(pk: int) -> int:
    wish = (
        TaskWish.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("user", "project")
        .filter(pk=pk, told_at=None)
        .first()
    )
    if wish is None or not access.roles_in(wish.user, wish.project) & set(access.LABELERS):
        return 0
    waiting = queries.tasks_waiting_for(wish.user, wish.project, wish.kind)
    if not waiting:
        return 0
    TaskWish.objects.filter(pk=wish.pk).update(told_at=Now())
    try:
        _send(wish, waiting)
    except OSError:
        logger.exception("No mail could be sent; the next sweep tries again.")
        transaction.set_rollback(True)
        return 0
    return 1


def _send(wish: TaskWish, waiting: int) -> None:
    with translation.override(wish.user.language or settings.LANGUAGE_CODE):
        is_ranking = wish.kind == Task.Kind.RANK
        subject = _("%s: there is something to rank") if is_ranking else _("%s: there is something to write")
        lines = [
            _("You asked to be told. Tasks that wait for you now: %s") % waiting,
            settings.SITE_URL + reverse("home"),
            "",
            _("This was the only mail; ask again when there is nothing to do."),
        ]
        send_mail(
            " ".join((subject % wish.project.name).split()),
            "\n".join(lines),
            settings.DEFAULT_FROM_EMAIL,
            [wish.user.email],
        )
