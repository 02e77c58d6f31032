"""The form in which a notice is written: one text for each language, for whom, and for how long."""

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from labeling.manager_forms import DomainForm
from labeling.models import Announcement, Membership, Project
from labeling.timesheet_forms import DayInput


class AnnouncementForm(DomainForm):
    role = forms.ChoiceField(
        label=gettext_lazy("For"),
        required=False,
        choices=[("", gettext_lazy("everybody in the project")), *Membership.Role.choices],
    )
    first_day = forms.DateField(label=gettext_lazy("First day"), widget=DayInput)
    last_day = forms.DateField(
        label=gettext_lazy("Last day"),
        widget=DayInput,
        required=False,
        help_text=gettext_lazy("Empty: until you end it."),
    )

    def __init__(self, data: Any, *, project: Project | None, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        self.languages = project.languages if project else [code for code, _name in settings.LANGUAGES]
        if project is None:
            del self.fields["role"]
        for code in self.languages:
            self.fields[f"body_{code}"] = forms.CharField(
                label=_("Text (%s)") % code,
                required=False,
                widget=forms.Textarea(attrs={"rows": 4, "dir": "auto", "lang": code}),
                help_text=_("Markdown works.") if code == self.languages[0] else "",
            )
        self.order_fields([f"body_{code}" for code in self.languages])

    @classmethod
    def of(cls, announcement: Announcement, data: Any = None) -> "AnnouncementForm":
        project = announcement.project
        zone = zoneinfo.ZoneInfo(announcement.time_zone)
        first, last = announcement.begins_at.astimezone(zone).date(), announcement.last_moment
        initial = {
            "role": announcement.role,
            "first_day": first,
            # One that was ended before it began ends on no day of its own.
            "last_day": max(last.astimezone(zone).date(), first) if last else None,
            **{f"body_{code}": text for code, text in announcement.body.items()},
        }
        return cls(data, project=project, initial=initial)

    def wish(self) -> dict[str, Any]:
        """What to call announce or change_announcement with."""
        sent = self.cleaned_data
        return {
            "body": {code: sent[f"body_{code}"] for code in self.languages},
            "role": sent.get("role", ""),
            "first_day": sent["first_day"],
            "last_day": sent["last_day"],
        }
