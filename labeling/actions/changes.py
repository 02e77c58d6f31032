"""What can be done to many tasks or prompts at once. An entry of CHANGES is all that a new change needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from labeling.actions.many import mark_prompts, prompts_of, reopen_tasks, withdraw_tasks
from labeling.actions.overlap import give_overlap
from labeling.actions.selections import MOST_MORE, PRIORITIES, give_priority, give_seats
from labeling.eligibility import WORK
from labeling.models import BulkChange, User

Target = BulkChange.Target
Rows = Sequence[Any]
Options = Mapping[str, Any]

EVERY_ROW = Q()


@dataclass(frozen=True)
class Change:
    """apply: does it to locked rows of the target; returns how many were changed.

    needs: what the manager is asked for: topics, or a number within the bounds. concerns: which rows it can
    change, to be counted beforehand. explanation: what will happen, in words.
    """

    target: Target
    label: Promise
    explanation: Promise
    apply: Callable[[Rows, User, Options], int]
    needs: tuple[str, ...] = ()
    bounds: tuple[int, int] = (0, 0)
    concerns: Q = EVERY_ROW
    is_danger: bool = False

    @property
    def marks_prompts_of_tasks(self) -> bool:
        return self.target == Target.TASKS and "topics" in self.needs


MARKED = _("They go only to people who said yes to each topic. What people have open stays with them.")
UNMARKED = _("These topics are taken off the prompts; others stay.")

CHANGES: dict[str, Change] = {
    "withdraw": Change(
        Target.TASKS,
        _("Withdraw"),
        _("They are handed out no more. What people have open can be submitted, what they submitted stays."),
        lambda tasks, actor, options: withdraw_tasks(tasks=tasks, actor=actor),
        concerns=Q(status="open"),
        is_danger=True,
    ),
    "reopen": Change(
        Target.TASKS,
        _("Re-open"),
        _("Withdrawn tasks are handed out again; those that have their submissions by now are complete."),
        lambda tasks, actor, options: reopen_tasks(tasks=tasks, actor=actor),
        concerns=Q(status="withdrawn"),
    ),
    "add_seats": Change(
        Target.TASKS,
        _("Ask more people"),
        _("So many more people judge each of them; what is complete is open again."),
        lambda tasks, actor, options: give_seats(
            [task.pk for task in tasks], seats=options["number"], actor=actor
        ),
        needs=("number",),
        bounds=(1, MOST_MORE),
    ),
    "apply_overlap": Change(
        Target.TASKS,
        _("Apply the overlap"),
        _(
            "Each open ranking task gets as many seats as the overlap of the settings gives it, never fewer "
            "than are taken; one that has enough is complete. Seats that were added by hand are not kept."
        ),
        lambda tasks, actor, options: give_overlap(tasks=tasks, actor=actor),
        concerns=Q(kind="rank", status="open", purpose__in=WORK),
    ),
    "set_priority": Change(
        Target.TASKS,
        _("Set the priority"),
        _("They are handed out before those of a lower priority. Most tasks have 0."),
        lambda tasks, actor, options: give_priority([task.pk for task in tasks], options["number"]),
        needs=("number",),
        bounds=PRIORITIES,
    ),
    "mark_tasks": Change(
        Target.TASKS,
        _("Mark as sensitive"),
        MARKED,
        lambda tasks, actor, options: mark_prompts(prompts=prompts_of(tasks), add=options["topics"]),
        needs=("topics",),
    ),
    "unmark_tasks": Change(
        Target.TASKS,
        _("Take topics off"),
        UNMARKED,
        lambda tasks, actor, options: mark_prompts(prompts=prompts_of(tasks), remove=options["topics"]),
        needs=("topics",),
    ),
    "mark": Change(
        Target.PROMPTS,
        _("Mark as sensitive"),
        MARKED,
        lambda prompts, actor, options: mark_prompts(prompts=prompts, add=options["topics"]),
        needs=("topics",),
    ),
    "unmark": Change(
        Target.PROMPTS,
        _("Take topics off"),
        UNMARKED,
        lambda prompts, actor, options: mark_prompts(prompts=prompts, remove=options["topics"]),
        needs=("topics",),
    ),
}


def changes_of(target: str) -> list[tuple[str, Change]]:
    """What can be done to rows of this target."""
    return [(key, change) for key, change in CHANGES.items() if change.target == target]
