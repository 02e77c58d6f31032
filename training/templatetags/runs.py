"""Numbers, durations and states as engineers' pages show them."""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from training import queries
from training.models import Run, Snapshot

register = template.Library()

TONES = {
    Run.Status.QUEUED: "",
    Run.Status.RUNNING: "accent",
    Run.Status.SUCCEEDED: "good",
    Run.Status.FAILED: "danger",
    Run.Status.CANCELLED: "warning",
    Snapshot.Status.BUILDING: "accent",
    Snapshot.Status.READY: "good",
}


START_LABELS = {
    Run.Kind.SAMPLE: gettext_lazy("Sample outputs"),
    Run.Kind.PRETRAIN: gettext_lazy("Pretrain"),
    Run.Kind.SFT: gettext_lazy("Start SFT"),
    Run.Kind.REWARD_MODEL: gettext_lazy("Train reward model"),
    Run.Kind.PPO: gettext_lazy("Start PPO"),
    Run.Kind.SCORE: gettext_lazy("Score outputs"),
}


@register.filter
def start_label(kind: str) -> str:
    """What the button says that starts a run of this kind."""
    return str(START_LABELS[Run.Kind(kind)])


@register.filter
def figures(metrics: dict[str, Any] | None) -> list[queries.Figure]:
    """The figures of a result, in words, that no table shows; a run that is not over has none."""
    found = metrics or {}
    return queries.figures_of(found, without={n for n in found if queries.is_in_a_table(n, found)})


@register.filter
def tables(metrics: dict[str, Any] | None) -> list[queries.Table]:
    """The figures of a result that are read side by side."""
    return queries.tables_of(metrics or {})


@register.filter
def value(shown: queries.Figure) -> str:
    """71.8 % for a share, else the number."""
    if shown.is_share and isinstance(shown.value, int | float):
        return f"{100 * shown.value:.1f} %"
    return figure(shown.value)


@register.filter
def interval(shown: queries.Figure) -> str:
    """[69.7, 73.9], or nothing where the engine gave none."""
    if shown.low is None or shown.high is None:
        return ""
    low, high = (f"{100 * b:.1f}" if shown.is_share else figure(b) for b in (shown.low, shown.high))
    return f"[{low}, {high}]"


@register.filter
def with_interval(shown: queries.Figure) -> str:
    """71.8 % [69.7, 73.9]; without an interval the number alone."""
    return f"{value(shown)} {interval(shown)}".rstrip()


@register.filter
def rate(per_second: float, unit: str) -> str:
    """Units per second, or seconds per unit when it takes longer than one."""
    if per_second >= 1:
        return _("%(rate)s %(unit)s per second") % {"rate": figure(round(per_second, 1)), "unit": _(unit)}
    return _("%(seconds)s per %(unit)s") % {
        "seconds": duration(1 / per_second),
        "unit": _(unit.removesuffix("s")),
    }


@register.filter
def tone(status: str) -> str:
    """The class of a badge; the badge's word says the same without color."""
    return TONES.get(status, "")  # type: ignore[call-overload]


@register.filter
def figure(value: object) -> str:
    """A number in four significant digits; large whole ones with separators."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4g}"


@register.filter
def duration(seconds: float | timedelta | None) -> str:
    """1 h 05 min, 12 min 30 s, 45 s."""
    if seconds is None:
        return "–"
    total = round(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    minutes, seconds = divmod(max(0, total), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)d h %(minutes)02d min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)d min %(seconds)02d s") % {"minutes": minutes, "seconds": seconds}
    return _("%d s") % seconds


@register.filter
def took(run: Run) -> str:
    """From the first start to the end, or to now."""
    if run.started_at is None:
        return "–"
    return duration((run.finished_at or timezone.now()) - run.started_at)


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """Relative, with the absolute time on hover."""
    if moment is None:
        return "–"
    seconds = (timezone.now() - moment).total_seconds()
    text = _("just now") if seconds < 60 else _("%s ago") % _coarse(seconds)
    absolute = timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), absolute, text)


def _coarse(seconds: float) -> str:
    if seconds < 3600:
        return _("%d min") % (seconds // 60)
    if seconds < 86_400:
        return _("%d h") % (seconds // 3600)
    return _("%d d") % (seconds // 86_400)
