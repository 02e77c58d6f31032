"""What is done to many tasks or prompts at once: some statements for a batch whose rows are locked."""

from collections.abc import Collection, Sequence

from django.db.models import Count

from labeling import transitions
from labeling.actions.topics import checked_topics
from labeling.models import Assignment, Prompt, Task, User


def withdraw_tasks(*, tasks: Sequence[Task], actor: User) -> int:
    """Hand the open ones out no more, as withdraw_task; how many were open."""
    return transitions.change_tasks(_keys(tasks), Task.Status.OPEN, Task.Status.WITHDRAWN, actor=actor)


def reopen_tasks(*, tasks: Sequence[Task], actor: User) -> int:
    """Hand the withdrawn ones out again, or complete them, as reopen_task; how many there were."""
    withdrawn = [task for task in tasks if task.status == Task.Status.WITHDRAWN]
    submitted = dict(
        Assignment.objects.filter(task__in=withdrawn, status=Assignment.Status.SUBMITTED, holds_seat=True)
        .values_list("task")
        .annotate(Count("id"))
    )
    full = {task.pk for task in withdrawn if submitted.get(task.pk, 0) >= task.seats_wanted}
    was = Task.Status.WITHDRAWN
    transitions.change_tasks(full, was, Task.Status.COMPLETE, actor=actor)
    transitions.change_tasks(_keys(withdrawn), was, Task.Status.OPEN, actor=actor)
    return len(withdrawn)


def mark_prompts(
    *, prompts: Sequence[Prompt], add: Collection[str] = (), remove: Collection[str] = ()
) -> int:
    """Add sensitive topics to prompts and their tasks, or take some off; how many were changed by it."""
    moves: dict[tuple[str, ...], list[int]] = {}
    for prompt in prompts:
        topics = checked_topics((set(prompt.topics) | set(add)) - set(remove))
        if topics != prompt.topics:
            moves.setdefault(tuple(topics), []).append(prompt.pk)
    # In their order, as all lock them who change many.
    marked = [key for keys in moves.values() for key in keys]
    list(Task.objects.select_for_update(no_key=True).filter(prompt__in=marked).order_by("pk").values("pk"))
    for kept, keys in moves.items():
        Prompt.objects.filter(pk__in=keys).update(topics=list(kept))
        Task.objects.filter(prompt__in=keys).update(topics=list(kept))
    return sum(map(len, moves.values()))


def lock_prompts_of(tasks: Collection[int]) -> None:
    """Before their tasks, as whoever marks prompts locks both. A task that is opened at this moment has their
    topics too."""
    keys = Task.objects.filter(pk__in=tasks).values("prompt")
    list(Prompt.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk").values("pk"))


def prompts_of(tasks: Sequence[Task]) -> list[Prompt]:
    """Which the caller has locked."""
    return list(Prompt.objects.filter(pk__in={task.prompt_id for task in tasks}).order_by("pk"))


def _keys(tasks: Sequence[Task]) -> list[int]:
    return [task.pk for task in tasks]
