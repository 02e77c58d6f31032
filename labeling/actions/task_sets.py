"""Sets of tasks, and for whom they are."""

from collections.abc import Collection

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.texts import check_storable
from labeling.errors import DomainError
from labeling.models import Membership, Project, TaskSet, User


@transaction.atomic
def create_task_set(
    *, project: Project, name: str, people: Collection[User], group: str, actor: User | None
) -> TaskSet:
    """A set without tasks yet. Refuses a name that is empty or there already, and people who are not here."""
    _check(project, name, people, group)
    task_set = TaskSet.objects.create(project=project, name=name.strip(), group=group)
    task_set.people.set(people)
    audit.record("set_made", actor=actor, project=project, subject=task_set, data={"set": task_set.name})
    return task_set


@transaction.atomic
def change_task_set(
    *, task_set: TaskSet, name: str, people: Collection[User], group: str, actor: User | None
) -> TaskSet:
    """Whom its tasks go to from now on; what people have open stays with them. Refuses as the making does."""
    changed = TaskSet.objects.select_for_update(of=("self",)).select_related("project").get(pk=task_set.pk)
    _check(changed.project, name, people, group, known_as=changed)
    changed.name, changed.group = name.strip(), group
    changed.save(update_fields=["name", "group"])
    changed.people.set(people)
    data = {"set": changed.name}
    audit.record("set_changed", actor=actor, project=changed.project, subject=changed, data=data)
    return changed


def _check(
    project: Project,
    name: str,
    people: Collection[User],
    group: str,
    *,
    known_as: TaskSet | None = None,
) -> None:
    check_storable("name", name)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)  # one name at a time
    fields = {}
    others = project.task_sets.exclude(pk=known_as.pk) if known_as else project.task_sets.all()
    if not 1 <= len(name.strip()) <= 120:
        fields["name"] = _("Give the set a name of at most 120 characters.")
    elif others.filter(name=name.strip()).exists():
        fields["name"] = _("There is a set of this name already.")
    if group and group not in Membership.Group.values:
        fields["group"] = _("There is no such group.")
    here = set(project.memberships.values_list("user", flat=True))
    if strangers := [str(person) for person in people if person.pk not in here]:
        fields["people"] = _("Not in the project: %s.") % ", ".join(strangers)
    if fields:
        raise DomainError("bad_task_set", _("The set was not saved."), fields)
