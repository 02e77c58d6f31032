"""The form that has two versions answer one prompt."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from labeling.errors import DomainError
from labeling.models import Project
from training import queries
from training.engine.config import fields_of
from training.forms import form_field
from training.models import ModelVersion, Run, RunInput

SETTINGS = ("max_new_tokens", "temperature")
TURN = re.compile(r"^(system|user|assistant):[ \t]*", re.IGNORECASE | re.MULTILINE)


class TrialForm(forms.Form):
    def __init__(self, data: Any = None, *, project: Project, first: str = "") -> None:
        super().__init__(data)
        versions = queries.versions_for(project, RunInput.Role.POLICY)
        first_version, second_version = _usual_two(list(versions), first)
        for name, label, initial in (
            ("first", _("First model"), first_version),
            ("second", _("Second model"), second_version),
        ):
            self.fields[name] = forms.ModelChoiceField(
                versions, label=label, initial=initial and initial.public_id, to_field_name="public_id"
            )
        self.fields["prompt"] = forms.CharField(
            label=_("Prompt"),
            widget=forms.Textarea(attrs={"rows": 6}),
            help_text=_(
                "One turn of a user; or a conversation, each turn beginning with a line User:, Assistant: or "
                "System:, the last one the user's."
            ),
            strip=False,
        )
        for setting in fields_of(Run.Kind.SAMPLE):
            if setting.name in SETTINGS:
                self.fields[setting.name] = form_field(setting, setting.default)

    def wish(self) -> dict[str, Any]:
        """What to call try_models with."""
        cleaned = self.cleaned_data
        return {
            "versions": [cleaned["first"], cleaned["second"]],
            "messages": turns(cleaned["prompt"]),
            "config": {name: cleaned[name] for name in SETTINGS if cleaned[name] is not None},
        }

    def add_domain_error(self, error: DomainError) -> None:
        named = {"prompt": error.message} if error.code == "bad_messages" else error.fields
        for name, message in (named or {"": error.message}).items():
            self.add_error(name if name in self.fields else None, message)


def turns(text: str) -> list[dict[str, str]]:
    """A text as a conversation: one turn of the user, unless it begins with the name of a role."""
    found = list(TURN.finditer(text))
    if not found or text[: found[0].start()].strip():
        return [{"role": "user", "content": text.strip()}]
    ends = [match.start() for match in found[1:]] + [len(text)]
    return [
        {"role": match[1].lower(), "content": text[match.end() : end].strip()}
        for match, end in zip(found, ends, strict=True)
    ]


def _usual_two(versions: list[ModelVersion], first: str) -> tuple[ModelVersion | None, ModelVersion | None]:
    """The asked-for version (or the newest candidate) and the promoted one, or the next best."""
    by_id = {str(version.public_id): version for version in versions}
    candidates = [v for v in versions if not v.is_promoted]
    chosen = by_id.get(first) or max(candidates, key=lambda v: v.pk, default=None)
    others = [version for version in versions if version != chosen]
    return chosen, others[0] if others else None
