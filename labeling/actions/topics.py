"""Sensitive topics: what a prompt is about, and what a person says yes to."""

from collections.abc import Collection

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.leases import give_back
from labeling.errors import DomainError
from labeling.models import Assignment, Completion, Prompt, Task, Topic, User


def checked_topics(topics: Collection[str]) -> list[str]:
    """Each once and in the fixed order, so that equal choices are equal arrays. Refuses unknown ones."""
    if unknown := set(topics) - set(Topic.values):
        message = _("There is no topic %(unknown)s: choose among %(topics)s.") % {
            "unknown": ", ".join(sorted(unknown)),
            "topics": ", ".join(Topic.values),
        }
        raise DomainError("unknown_topic", message, {"topics": message})
    return [topic for topic in Topic.values if topic in topics]


@transaction.atomic
def mark_prompt(*, prompt: Prompt, topics: Collection[str], actor: User | None = None) -> None:
    """Say which sensitive topics a prompt is about: from now on its tasks go to whoever said yes to all.

    What people have open can be submitted. Refuses unknown topics.
    """
    chosen = checked_topics(topics)
    before = Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk).topics
    Prompt.objects.filter(pk=prompt.pk).update(topics=chosen)
    Task.objects.filter(prompt=prompt).update(topics=chosen)
    if before != chosen:
        data = {"topics": audit.change(before, chosen)}
        audit.record("prompt_marked", actor=actor, project=prompt.project, subject=prompt, data=data)


@transaction.atomic
def mark_outputs(*, task: Task, slots: Collection[int]) -> None:
    """Say which outputs of a task are sensitive: those are covered until somebody opens them."""
    sensitive = task.slots.filter(slot__in=slots).values("completion")
    of_task = Completion.objects.filter(pk__in=task.slots.values("completion"))
    of_task.filter(pk__in=sensitive).update(is_sensitive=True)
    of_task.exclude(pk__in=sensitive).update(is_sensitive=False)


@transaction.atomic
def choose_topics(*, user: User, topics: Collection[str]) -> None:
    """Say yes to tasks on these sensitive topics, and to no others; in every project, until chosen anew.

    A task that is reserved for this person and does not fit any more goes back. Refuses unknown topics.
    """
    chosen = checked_topics(topics)
    # As the claim does: no task is handed out by what was chosen before.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    User.objects.filter(pk=user.pk).update(topics=chosen)
    held = (
        Assignment.objects.select_for_update(of=("self",))
        .filter(user=user, status=Assignment.Status.RESERVED)
        .exclude(task__topics__contained_by=chosen)
    )
    for assignment in held:
        give_back(assignment)
