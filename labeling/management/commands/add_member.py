"""Brings a person into a project without an invitation."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labeling import actions
from labeling.errors import DomainError
from labeling.models import Membership, Project


class Command(BaseCommand):
    help = "Give a person roles in a project. Prints the password of an account that is new, this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--project", required=True, help="its name")
        parser.add_argument("--name", default="", help="of a person who has no account yet")
        parser.add_argument("--roles", nargs="+", default=["annotator"], choices=Membership.Role.values)

    def handle(self, *args: Any, **options: Any) -> str:
        project = Project.objects.filter(name=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        wish = {name: options[name] for name in ("email", "name", "roles")}
        try:
            return actions.add_by_address(project=project, **wish).password or "They have an account already."
        except DomainError as error:
            raise CommandError(" ".join([error.message, *error.fields.values()])) from error
