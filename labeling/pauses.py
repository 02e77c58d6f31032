"""Whether work is paused: a project's, or that of the whole site."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from labeling.composed import Composed
from labeling.models import Pause, Project


def site_pause() -> Pause | None:
    """The pause of the whole site, while it lasts."""
    return _SITE_PAUSE.first()


def is_paused(project: Project) -> bool:
    return project.paused_at is not None or site_pause() is not None


def why_paused(project: Project) -> str | None:
    """The sentence with which work is refused; None while it goes on."""
    if project.paused_at is not None:
        return _("The project is paused. What you have open can still be submitted.")
    if pause := site_pause():
        return _("Work is paused on the whole site: %s What you have open can still be submitted.") % (
            _sentence(pause.reason)
        )
    return None


def pauses_of(project: Project | None) -> QuerySet[Pause]:
    """Of a project, or without one of the site: newest first."""
    return Pause.objects.filter(project=project).select_related("paused_by", "resumed_by").order_by("-pk")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "。", "！", "？")) else f"{text}."


_SITE_PAUSE = Composed(lambda: Pause.objects.filter(project=None, resumed_at=None)[:1])
