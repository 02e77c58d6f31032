"""What can be asked of sets of tasks."""

from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from labeling.models import Project, Task, TaskSet


def task_sets_of(project: Project) -> QuerySet[TaskSet]:
    """By name; each with `open_tasks` and `all_tasks`, counted by the index of tasks in sets."""
    in_set = Task.objects.filter(task_set=OuterRef("pk")).order_by().values("task_set")

    def count(tasks: QuerySet[Task, Any]) -> Coalesce:
        return Coalesce(Subquery(tasks.annotate(n=Count("pk")).values("n")), 0)

    return (
        project.task_sets.annotate(
            open_tasks=count(in_set.filter(status=Task.Status.OPEN)), all_tasks=count(in_set)
        )
        .prefetch_related("people")
        .order_by("name")
    )
