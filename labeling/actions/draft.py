"""Drafts: what a person has entered but not submitted."""

from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from labeling.actions.texts import check_storable
from labeling.errors import Conflict
from labeling.models import Assignment


def save_draft(*, assignment: Assignment, draft: dict[str, Any], version: int) -> int:
    """Keep a draft, whatever has become of the lease; returns its new version.

    `version` is the one the page started from: a page that is behind another is refused (Conflict),
    so that the older never silently replaces the newer.
    """
    check_storable("draft", draft)
    saved = Assignment.objects.filter(pk=assignment.pk, draft_version=version).update(
        draft=draft, draft_version=F("draft_version") + 1
    )
    if not saved:
        raise Conflict(
            "newer_draft",
            _("A newer draft was saved from another window. It stays, and so does this one here."),
        )
    return version + 1


def check_draft_is_newest(*, assignment: Assignment, version: int | None, text: str) -> None:
    """Refuse to submit past something newer (Conflict). The page that says so has seen it: the next may."""
    if version is None or version >= assignment.draft_version or not assignment.draft:
        return
    if text and assignment.draft.get("text") == text:
        return
    raise Conflict(
        "newer_draft",
        _(
            "Nothing was sent: a newer draft was saved from another window. Reload to see it, or submit this "
            "one again."
        ),
    )
