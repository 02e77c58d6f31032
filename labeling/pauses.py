"""Whether work is paused: a project's, or that of the whole site."""

from django.db.models import Exists, QuerySet
from django.utils.translation import gettext as _

from labeling.composed import Composed
from labeling.models import Pause, Project


def site_pause() -> Pause | None:
    """The pause of the whole site, while it lasts."""
    return _SITE_PAUSE.first()


def is_paused(project: Project) -> bool:
    return project.paused_at is not None or _pause_around(project) is not None


def why_paused(project: Project) -> str | None:
    """The sentence with which work is refused; None while it goes on."""
    if project.paused_at is not None:
        return _("The project is paused. What you have open can still be submitted.")
    if pause := _pause_around(project):
        return _("Work is paused on the whole site: %s What you have open can still be submitted.") % (
            _sentence(pause.reason)
        )
    return None


def _pause_around(project: Project) -> Pause | None:
    """The site's; not asked where the project was just read with the word that there is none (access.py)."""
    return site_pause() if getattr(project, "is_site_paused", True) else None


def pauses_of(project: Project | None) -> QuerySet[Pause]:
    """Of a project, or without one of the site: newest first."""
    return Pause.objects.filter(project=project).select_related("paused_by", "resumed_by").order_by("-pk")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "。", "！", "？")) else f"{text}."


_LASTING = Pause.objects.filter(project=None, resumed_at=None)
_SITE_PAUSE = Composed(lambda: _LASTING[:1])
IS_SITE_PAUSED = Exists(_LASTING)
