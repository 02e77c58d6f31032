"""Which prompts and judgments go out. An empty filter lets everything pass that counts: no reviewer has
rejected it, and nobody wrote it who is suspended with what they did set aside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.dateparse import parse_datetime

from labeling.exports.set_aside import people_set_aside
from labeling.models import Membership, Project, Prompt, Submission, Task


@dataclass(frozen=True, slots=True)
class Filters:
    """since and until bound when a judgment (its newest revision) or a prompt came in: since ≤ time < until.

    roles: what the annotator is in the project today. purposes: of the tasks; empty means what is collected,
    and nothing by which people are measured or qualified. with_returned: also what a reviewer returned and
    its author has not revised; usually it stays behind, since nobody should train on what was rejected.
    """

    splits: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    origins: tuple[str, ...] = ()
    round: int | None = None
    roles: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    with_returned: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> "Filters":
        """Back from the JSON that `as_options` made."""
        kept = {field.name: options[field.name] for field in fields(cls) if options.get(field.name)}
        for name, value in kept.items():
            if name in {"since", "until"}:
                kept[name] = parse_datetime(value)
            elif isinstance(value, list):
                kept[name] = tuple(value)
        return cls(**kept)

    def as_options(self) -> dict[str, Any]:
        """As JSON, without the empty ones."""
        options: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, datetime):
                options[field.name] = value.isoformat()
            elif value:
                options[field.name] = list(value) if isinstance(value, tuple) else value
        return options

    def on_prompts(self, prompts: QuerySet[Prompt]) -> QuerySet[Prompt]:
        return prompts.filter(self._of_prompt("") & self._in_time())

    def on_submissions(self, submissions: QuerySet[Submission], project: Project) -> QuerySet[Submission]:
        wanted = self._of_prompt("assignment__task__prompt__") & self._in_time()
        wanted &= Q(assignment__task__purpose__in=self.purposes or (Task.Purpose.COLLECT,))
        if self.origins:
            wanted &= Q(origin__in=self.origins)
        if self.round is not None:
            wanted &= Q(assignment__task__round=self.round)
        if self.roles:
            memberships = Membership.objects.filter(
                project=project, user=OuterRef("assignment__user"), role__in=self.roles
            )
            wanted &= Q(Exists(memberships))
        if not self.with_returned:
            wanted &= ~Q(review_state=Submission.ReviewState.RETURNED)
        if people := people_set_aside(project):
            wanted &= ~Q(assignment__user__in=people)
        return submissions.filter(wanted)

    def _of_prompt(self, path: str) -> Q:
        chosen = {"split": self.splits, "language": self.languages, "category": self.categories}
        return Q(**{f"{path}{column}__in": values for column, values in chosen.items() if values})

    def _in_time(self) -> Q:
        bounds = {"created_at__gte": self.since, "created_at__lt": self.until}
        return Q(**{lookup: moment for lookup, moment in bounds.items() if moment is not None})


EVERYTHING = Filters()
