"""A project's settings of who is handed what."""

import inspect
from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.selections import PRIORITIES
from labeling.errors import DomainError
from labeling.models import Project, User

MOST_OPEN = 100
MOST_TASKS = 100


@transaction.atomic
def change_queue(
    *,
    project: Project,
    open_tasks: int,
    language_priorities: Mapping[str, int],
    gold_share: float,
    requires_qualification: bool,
    qualification_tasks: int,
    qualification_share: float,
    actor: User | None,
) -> Project:
    """How tasks are handed out from now on, those included that are open. Refuses what is out of range.

    language_priorities: language of the project → number that is added to the priority of its tasks.
    """
    changed = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    settings = {
        "open_tasks": open_tasks,
        "language_priorities": {code: number for code, number in language_priorities.items() if number},
        "gold_share": gold_share,
        "requires_qualification": requires_qualification,
        "qualification_tasks": qualification_tasks,
        "qualification_share": qualification_share,
    }
    before = {name: getattr(changed, name) for name in settings}
    for name, value in settings.items():
        setattr(changed, name, value)
    if fields := _problems(changed):
        raise DomainError("bad_queue", _("The settings could not be saved; nothing was changed."), fields)
    changed.save(update_fields=list(settings))
    if different := audit.changes(before, settings):
        audit.record("queue_changed", actor=actor, project=changed, subject=changed, data=different)
    return changed


def copy_queue(*, source: Project, project: Project, actor: User | None) -> Project:
    """Hand tasks out as another project does, in the languages that both have."""
    names = inspect.signature(change_queue).parameters.keys() - {"project", "actor"}
    settings = {name: getattr(source, name) for name in names}
    priorities = settings["language_priorities"].items()
    settings["language_priorities"] = {code: n for code, n in priorities if code in project.languages}
    return change_queue(project=project, actor=actor, **settings)


def _problems(project: Project) -> dict[str, str]:
    fields = {}
    low, high = PRIORITIES
    if not 1 <= project.open_tasks <= MOST_OPEN:
        fields["open_tasks"] = _("A person has 1 to %s tasks open.") % MOST_OPEN
    if unknown := sorted(set(project.language_priorities) - set(project.languages)):
        fields["language_priorities"] = _("%s is not a language of the project.") % ", ".join(unknown)
    elif any(not low <= number <= high for number in project.language_priorities.values()):
        fields["language_priorities"] = _("A priority is a number from %(low)s to %(high)s.") % {
            "low": low,
            "high": high,
        }
    for name in ("gold_share", "qualification_share"):
        if not 0 <= getattr(project, name) <= 1:
            fields[name] = _("The share lies between 0 and 100 %.")
    if not 1 <= project.qualification_tasks <= MOST_TASKS:
        fields["qualification_tasks"] = _("A qualification takes 1 to %s tasks.") % MOST_TASKS
    return fields
