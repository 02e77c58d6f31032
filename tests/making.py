"""Makes rows for tests, through the same actions that the product uses."""

from collections.abc import Sequence
from itertools import count

from labeling import actions
from labeling.models import Completion, Project, Prompt, Task, User

_numbers = count(1)


def make_author(name: str = "Author") -> User:
    return actions.add_person(
        email=f"author-{next(_numbers)}@import.invalid", name=name, kind=User.Kind.IMPORT
    )


def make_prompt(project: Project, text: str = "", **fields: object) -> Prompt:
    text = text or f"Say something about the number {next(_numbers)}."
    author = fields.pop("author", None) or make_author()
    return actions.add_prompt(
        project=project, messages=[{"role": "user", "content": text}], author=author, **fields
    )


def make_ranking_task(
    project: Project, texts: Sequence[str] = ("one", "two", "three", "four"), **fields: object
) -> Task:
    prompt = fields.pop("prompt", None) or make_prompt(project)
    completions = [
        actions.add_completion(prompt=prompt, text=text, origin=Completion.Origin.POLICY) for text in texts
    ]
    task = actions.open_ranking_task(prompt=prompt, completions=completions, **fields)
    assert task is not None
    return task


def make_demonstration_task(project: Project, **fields: object) -> Task:
    return actions.open_demonstration_task(prompt=make_prompt(project, **fields))
