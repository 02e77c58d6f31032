"""What every page's template may use."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.forms import Form
from django.template.defaultfilters import floatformat
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from labeling import access, pauses, queries, question_queries, review_queries, sessions
from labeling import markdown as markdown_to_html
from labeling.launch_queries import Check
from labeling.models import Project, Topic

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    return markdown_to_html.render(text)


@register.filter
def topic_names(topics: Iterable[str]) -> str:
    """What people call the topics, in the language of the page."""
    return gettext(", ").join(str(Topic(topic).label) for topic in topics)


@register.filter
def pairs(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Names and values of what people sent, also where a name is "items"."""
    return list(values.items())


@register.filter
def whole(number: int) -> str:
    """A count with its thousands parted."""
    return f"{number:,}"


@register.filter
def parted(number: float | Decimal, decimals: int) -> str:
    """A number with so many decimals and its thousands parted as `whole` parts them, in every language."""
    return f"{Decimal(floatformat(number, f'{decimals}u')):,f}"


@register.filter
def badge_count(number: int) -> str:
    """As waiting_count counts: 99+ says that there are more."""
    most = review_queries.MOST_COUNTED
    return str(number) if number <= most else f"{most}+"


@register.filter
def waiting_count(number: int) -> str:
    """As tasks_waiting_for counts: 1000+ says that there are more."""
    return str(number) if number <= queries.MOST_COUNTED else f"{queries.MOST_COUNTED}+"


@register.filter
def minutes(seconds: int) -> str:
    """A span in minutes, to a tenth."""
    return f"{seconds / 60:.1f}"


@register.filter
def session_mark(session_key: str) -> str:
    """Names a session on a page; its key is a secret."""
    return sessions.mark_of(session_key)


@register.filter
def browser_name(user_agent: str) -> str:
    return sessions.browser_of(user_agent)


@register.filter
def clock(seconds: int) -> str:
    """A span as hours:minutes:seconds, so that sums on a page add up."""
    rest = abs(seconds)
    return f"{'−' if seconds < 0 else ''}{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"


@register.filter
def money(amount: Decimal) -> str:
    """An amount with two decimals, a rate with as many more as it has."""
    whole, _point, decimals = f"{amount:,f}".replace("-", "−").partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


@register.simple_tag
def has_mail_server() -> bool:
    """Without one, mails only stand in the log."""
    return bool(settings.MAIL)


@register.inclusion_tag("_site_pause.html")
def site_pause_notice() -> dict[str, Any]:
    """While work is paused on the whole site: why."""
    return {"pause": pauses.site_pause()}


@register.simple_tag
def open_questions(project: Project) -> int:
    """How many questions of annotators wait for a manager."""
    return question_queries.open_counts([project]).get(project.pk, 0)


@register.filter
def percent(share: float) -> str:
    """A share as a whole number of percent."""
    return f"{100 * share:.0f}"


@register.filter
def points(share: float) -> str:
    """A share in percent, to a tenth."""
    return f"{100 * share:.1f}"


@register.filter
def missing_count(checklist: Iterable[Check]) -> int:
    return sum(check.state in {"missing", "begun"} for check in checklist)


@register.filter
def label_of(form: Form, name: str) -> str:
    """What a field of the form is called; nothing for what is about the whole form."""
    return str(form.fields[name].label) if name in form.fields else ""


@register.inclusion_tag("_project_nav.html", takes_context=True)
def project_nav(context: dict[str, Any], project: Project, current: str = "") -> dict[str, Any]:
    """The tabs of a project that this user's roles open."""
    user = context["request"].user
    roles = access.roles_in(user, project)
    may_review = bool(roles & set(access.REVIEWERS))
    return {
        "project": project,
        "current": current,
        "may_label": bool(roles & set(access.LABELERS)),
        "may_train": bool(roles & set(access.ENGINEERS)),
        "may_manage": bool(roles & set(access.MANAGERS)),
        "may_review": may_review,
        "to_review": review_queries.waiting_count(user, project) if may_review else 0,
    }
