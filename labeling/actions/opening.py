"""Opening tasks for many prompts: asked for on a page, done by a worker, batch by batch.

Each batch is one transaction that also moves the place where the next begins, as an import's does.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.actions import audit
from labeling.actions.tasks import of_prompt, seats_for, that_differ
from labeling.actions.transfers import (
    Cancelled,
    Superseded,
    cancel_transfer,
    claim_transfer,
    end_transfer,
    held,
    ring_transfer,
)
from labeling.errors import DomainError
from labeling.models import Completion, Project, Prompt, Task, TaskCompletion, Transfer, User
from labeling.selections import Selection

BATCH = 250
HIGHEST_PRIORITY = 100
LAST_ROUND = 100_000


@dataclass(frozen=True)
class Opened:
    tasks: list[Task]
    too_alike: int  # prompts whose outputs nobody could tell apart


@transaction.atomic
def start_opening(
    *,
    project: Project,
    actor: User | None,
    selection: Selection,
    priority: int = 0,
    most: int | None = None,
) -> Transfer:
    """Ask for tasks for the prompts that are selected, or for so many of them; a worker opens them.

    A prompt's tasks are wanted by as many people as the project's overlap says. Refuses what is out of range,
    naming each field, and a selection without a prompt.
    """
    fields = {}
    if selection.kind not in Task.Kind.values:
        fields["kind"] = _("There are no tasks of the kind %s.") % selection.kind
    if not 1 <= selection.round <= LAST_ROUND:
        fields["round"] = _("A round is a number from 1.")
    if abs(priority) > HIGHEST_PRIORITY:
        fields["priority"] = _("A priority lies between −100 and 100.")
    if most is not None and most < 1:
        fields["most"] = _("Open at least one, or leave it empty for all.")
    if fields:
        raise DomainError("bad_opening", _("No tasks were opened."), fields)
    if not selection.prompts(project).exists():
        raise DomainError("nothing_to_open", _("No prompt is like this, so there is nothing to open."))
    transfer = Transfer.objects.create(
        project=project,
        direction=Transfer.Direction.TASKS,
        content=selection.kind,
        options={"selection": selection.as_options(), "priority": priority, "most": most},
        created_by=actor,
    )
    transitions.record_transfer(transfer, actor=actor)
    audit.record("opening_started", actor=actor, project=project, subject=transfer, data=transfer.options)
    ring_transfer(transfer)
    return transfer


def cancel_opening(*, transfer: Transfer, actor: User | None) -> Transfer:
    """Stop it between two batches; the tasks that are open by then stay. Refuses one that is over."""
    return cancel_transfer(transfer=transfer, actor=actor)


def run_opening(*, transfer_id: int) -> None:
    """Open the tasks; does nothing when another worker has it, or it is over."""
    transfer = claim_transfer(transfer_id=transfer_id, direction=Transfer.Direction.TASKS)
    if transfer is None:
        return
    try:
        _note_total(transfer)
        while _open_batch(transfer):
            pass
    except Superseded:
        return
    except Cancelled:
        end_transfer(transfer=transfer, to=Transfer.Status.CANCELLED)
    else:
        end_transfer(transfer=transfer, to=Transfer.Status.SUCCEEDED)


def open_for(
    prompts: Sequence[Prompt], *, kind: str, round: int, priority: int, seats: Callable[[Prompt], int]
) -> Opened:
    """A task for each of these prompts, whose rows the caller has locked; seats says how many people want it.

    A ranking task has as many outputs as the project ranks together, drawn from the prompt's.
    """
    slates: dict[int, list[Completion]] = {}
    if kind == Task.Kind.RANK:
        slates = _slates(prompts)
    wanted = [prompt for prompt in prompts if kind != Task.Kind.RANK or prompt.pk in slates]
    new = [
        Task(**of_prompt(prompt), kind=kind, round=round, priority=priority, seats_wanted=seats(prompt))
        for prompt in wanted
    ]
    # Somebody else may have asked for the same answer at this moment: then it is one task, and theirs.
    Task.objects.bulk_create(new, ignore_conflicts=True)
    tasks = list(Task.objects.filter(public_id__in=[task.public_id for task in new]))
    TaskCompletion.objects.bulk_create(
        TaskCompletion(task=task, slot=slot, completion=completion)
        for task in tasks
        for slot, completion in enumerate(slates.get(task.prompt_id, ()), start=1)
    )
    return Opened(tasks, len(prompts) - len(wanted))


def lock_opening(project: Project) -> None:
    """One at a time opens tasks in a project, so that no prompt gets two."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def _slates(prompts: Sequence[Prompt]) -> dict[int, list[Completion]]:
    """Prompt → outputs to be ranked together, where two differ. Which of many is drawn."""
    outputs: dict[int, list[Completion]] = {}
    found = Completion.objects.filter(prompt__in=prompts).exclude(origin=Completion.Origin.PERSON)
    for completion in found.only("prompt_id", "text"):
        outputs.setdefault(completion.prompt_id, []).append(completion)
    slates = {}
    for prompt in prompts:
        drawn = outputs.get(prompt.pk, [])
        random.shuffle(drawn)
        slate = that_differ(drawn, most=prompt.project.completions_per_prompt)
        if len(slate) > 1:
            slates[prompt.pk] = slate
    return slates


def _note_total(transfer: Transfer) -> None:
    selection, most = Selection.from_options(transfer.options["selection"]), transfer.options["most"]
    left = selection.prompts(transfer.project).count()
    opened = transfer.counts.get("opened", 0)
    done = opened + transfer.counts.get("too_alike", 0)
    total = done + (left if most is None else min(left, most - opened))
    Transfer.objects.filter(pk=transfer.pk).update(progress_done=done, progress_total=total)


@transaction.atomic
def _open_batch(transfer: Transfer) -> bool:
    """One batch, and how far it is; False when nothing is left. Raises Superseded and Cancelled."""
    row = held(transfer)
    lock_opening(row.project)
    selection = Selection.from_options(row.options["selection"])
    prompts = _next_prompts(row, selection)
    if not prompts:
        return False
    opened = open_for(
        prompts,
        kind=selection.kind,
        round=selection.round,
        priority=row.options["priority"],
        seats=seats_for if selection.kind == Task.Kind.RANK else _one_seat,
    )
    row.counts |= {
        "opened": row.counts.get("opened", 0) + len(opened.tasks),
        "too_alike": row.counts.get("too_alike", 0) + opened.too_alike,
        "reached": prompts[-1].pk,
    }
    row.progress_done += len(prompts)
    row.save(update_fields=["counts", "progress_done"])
    Transfer.objects.filter(pk=row.pk).update(heartbeat_at=Now())
    return True


def _next_prompts(row: Transfer, selection: Selection) -> list[Prompt]:
    """Locked, so that a topic that is marked at this moment reaches the new task too."""
    most = row.options["most"]
    batch = BATCH if most is None else min(BATCH, most - row.counts.get("opened", 0))
    left = selection.prompts(row.project).filter(pk__gt=row.counts.get("reached", 0)).order_by("pk")
    return list(left.select_for_update(no_key=True, of=("self",)).select_related("project")[: max(0, batch)])


def _one_seat(prompt: Prompt) -> int:
    return 1
