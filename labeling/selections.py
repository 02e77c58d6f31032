"""Which prompts tasks are opened for: chosen on a page, kept as JSON, asked of the database."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from labeling.models import Completion, Project, Prompt, Task

# Final test prompts are judged on purpose, never in passing; what people write trains, so only for train.
USUAL_SPLITS = {
    Task.Kind.RANK: (str(Prompt.Split.TRAIN), str(Prompt.Split.VALID)),
    Task.Kind.DEMONSTRATE: (str(Prompt.Split.TRAIN),),
}


@dataclass(frozen=True)
class Selection:
    """Prompts of a project that a task of this kind can be opened for in this round.

    Empty means any. without_task: only those that have no task of the kind in any round.
    """

    kind: str
    round: int = 1
    language: str = ""
    category: str = ""
    splits: tuple[str, ...] = ()
    without_task: bool = True

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> "Selection":
        """Back from the JSON that `as_options` made."""
        return cls(**dict(options) | {"splits": tuple(options["splits"])})

    def as_options(self) -> dict[str, Any]:
        return asdict(self) | {"splits": list(self.splits)}

    def prompts(self, project: Project) -> QuerySet[Prompt]:
        wanted = Q(project=project)
        if self.language:
            wanted &= Q(language=self.language)
        if self.category:
            wanted &= Q(category=self.category)
        if self.splits:
            wanted &= Q(split__in=self.splits)
        tasks = tasks_of_prompt(self.kind)
        if not self.without_task:
            tasks = tasks.filter(round=self.round)
        return can_have_task(Prompt.objects.filter(wanted), self.kind).filter(~Exists(tasks))


def can_have_task(prompts: QuerySet[Prompt], kind: str) -> QuerySet[Prompt]:
    """To rank, a prompt needs two outputs at least."""
    return prompts.filter(Exists(outputs_of_prompt()[1:2])) if kind == Task.Kind.RANK else prompts


def outputs_of_prompt() -> QuerySet[Completion]:
    """Of the prompt in the query around it. What people wrote here is a demonstration and is not ranked."""
    written = Completion.Origin.PERSON
    return Completion.objects.filter(prompt=OuterRef("pk")).exclude(origin=written)


def tasks_of_prompt(kind: str) -> QuerySet[Task]:
    """Of the prompt in the query around it."""
    return Task.objects.filter(prompt=OuterRef("pk"), kind=kind, purpose=Task.Purpose.COLLECT)
