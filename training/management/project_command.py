"""What commands about one project have in common: naming it, and saying a refusal in a sentence."""

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labeling.errors import DomainError
from labeling.models import Project
from training import queries
from training.models import ModelVersion, Snapshot


class ProjectCommand(BaseCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--project", default="", help="name or id; may be left out when there is only one"
        )

    def handle(self, *args: Any, **options: Any) -> str | None:
        try:
            return self.work(project=named_project(options["project"]), options=options)
        except DomainError as error:
            raise CommandError(error.message) from error

    def work(self, *, project: Project, options: dict[str, Any]) -> str | None:
        """What the command does; the text returned is printed."""
        raise NotImplementedError


def named_project(name: str) -> Project:
    projects = Project.objects.all()
    if name:
        projects = projects.filter(public_id=name) if is_uuid(name) else projects.filter(name=name)
    found = list(projects[:2])
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(n) for n in Project.objects.order_by("name").values_list("name", flat=True)[:20])
    raise CommandError(f"Name the project with --project: {names or 'there is none yet'}.")


def named_version(project: Project, name: str) -> ModelVersion:
    """By id, or by kind and number."""
    if is_uuid(name):
        version = ModelVersion.objects.filter(public_id=name).first()
    else:
        version = queries.version_named(project, name)
    if version is None:
        raise CommandError(
            f"There is no model {name!r}: write kind:number, as in policy:1 or reward_model:2."
        )
    return version


def named_snapshot(project: Project, name: str, *, holding: str) -> Snapshot:
    """By id; the newest that is ready and holds this content when no name is given."""
    if name and not is_uuid(name):
        raise CommandError(f"{name!r} is not the id of a snapshot.")
    snapshot = (
        queries.snapshots_of(project).filter(public_id=name).first()
        if name
        else queries.newest_snapshot(project, holding=holding)
    )
    if snapshot is None:
        raise CommandError("There is no such snapshot: take one with `manage.py take_snapshot --wait`.")
    return snapshot


def named_corpus(project: Project, name: str) -> Snapshot:
    """By id, or the newest of this name."""
    corpora = queries.corpora_of(project)
    corpus = corpora.filter(public_id=name) if is_uuid(name) else corpora.filter(name=name)
    if (found := corpus.first()) is None:
        raise CommandError(f"There is no corpus {name!r}: enter one with `manage.py register_corpus FILE`.")
    return found


def is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
