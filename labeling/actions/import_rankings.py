"""Asking for rankings of the outputs that an import brought, once all its rows are in.

Only then it is known which outputs a prompt has: they may lie in rows and files far apart.
"""

from collections.abc import Set

from django.db import transaction
from django.db.models.functions import Now

from labeling.actions.opening import lock_opening
from labeling.actions.tasks import open_ranking_task
from labeling.actions.transfers import held
from labeling.likeness import are_near_identical
from labeling.models import Completion, Prompt, TaskCompletion, Transfer

PROMPTS_AT_ONCE = 100
MOST_IN_A_TASK = 9


def open_rankings(transfer: Transfer) -> None:
    """A ranking task for each prompt of which this import had an output, and which has two that differ.

    Raises Superseded and Cancelled; what was opened before stays, and is not opened again.
    """
    while _open_some(transfer):
        pass


@transaction.atomic
def _open_some(transfer: Transfer) -> bool:
    row = held(transfer)
    lock_opening(row.project)
    brought = Completion.objects.filter(transfer=row, prompt__gt=row.counts.get("ranked_up_to", 0))
    pks = list(brought.order_by("prompt").values_list("prompt", flat=True).distinct()[:PROMPTS_AT_ONCE])
    if not pks:
        return False
    prompts = Prompt.objects.select_related("project").in_bulk(pks)
    outputs: dict[int, list[Completion]] = {pk: [] for pk in pks}
    from_outside = Completion.objects.filter(prompt__in=pks, origin=Completion.Origin.IMPORT)
    for completion in from_outside.order_by("pk"):
        outputs[completion.prompt_id].append(completion)
    standing = TaskCompletion.objects.filter(completion__in=from_outside)
    in_tasks = set(standing.values_list("completion", flat=True))
    opened = sum(_open_tasks(prompts[pk], outputs[pk], in_tasks) for pk in pks)
    row.counts |= {"tasks": row.counts.get("tasks", 0) + opened, "ranked_up_to": pks[-1]}
    row.save(update_fields=["counts"])
    Transfer.objects.filter(pk=row.pk).update(heartbeat_at=Now())
    return True


def _open_tasks(prompt: Prompt, completions: list[Completion], in_tasks: Set[int]) -> int:
    slates = _slates(completions, in_tasks, prompt.project.completions_per_prompt)
    return sum(open_ranking_task(prompt=prompt, completions=slate) is not None for slate in slates)


def _slates(completions: list[Completion], in_tasks: Set[int], wished: int) -> list[list[Completion]]:
    """What is ranked together: those that stand in no task, filled up with others to the project's K.

    More than nine are dealt out evenly. What is nearly the same as one in a task is ranked by it.
    """
    ranked = [completion for completion in completions if completion.pk in in_tasks]
    new = [completion for completion in completions if completion.pk not in in_tasks]
    new = [one for one in new if not any(are_near_identical(one.text, other.text) for other in ranked)]
    number = -(-len(new) // MOST_IN_A_TASK)
    slates = [new[start::number] for start in range(number)]
    return [slate + ranked[: max(0, wished - len(slate))] for slate in slates]
