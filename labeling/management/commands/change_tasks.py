"""Changes many tasks at once: extra seats, their priority, the set they are in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from labeling import actions
from labeling.errors import DomainError
from labeling.manager_queries import TaskFilter, tasks_found
from labeling.models import Project, Prompt, Task, TaskSet


class Command(BaseCommand):
    help = "Change the tasks of a project that are like this. Without a filter: all of them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, help="its name")
        parser.add_argument("--kind", default="", choices=["", *Task.Kind.values])
        parser.add_argument("--status", default="", choices=["", *Task.Status.values])
        parser.add_argument("--language", default="")
        parser.add_argument("--category", default="", choices=["", *Prompt.Category.values])
        parser.add_argument("--text", default="", help="an id, or words of the prompt")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--seats", type=int, help="so many more people for each")
        what.add_argument("--priority", type=int, help="handed out before those of a lower one")
        what.add_argument("--set", help="the name of a set; empty: in none")

    def handle(self, *args: Any, **options: Any) -> str:
        project = Project.objects.filter(name=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        fields = ("kind", "status", "language", "category", "text")
        tasks = tasks_found(project, TaskFilter(**{name: options[name] for name in fields}))
        try:
            n = self._change(project, tasks, options)
        except DomainError as error:
            raise CommandError(error.message) from error
        return f"{n} tasks changed"

    def _change(self, project: Project, tasks: QuerySet[Task], options: dict[str, Any]) -> int:
        asked: dict[str, Any] = {"project": project, "tasks": tasks, "actor": None}
        if options["seats"] is not None:
            return actions.add_seats(**asked, seats=options["seats"])
        if options["priority"] is not None:
            return actions.set_priority(**asked, priority=options["priority"])
        task_set = TaskSet.objects.filter(project=project, name=options["set"]).first()
        if task_set is None and options["set"]:
            raise CommandError(f"There is no set {options['set']!r}.")
        return actions.put_into_set(**asked, task_set=task_set)
