"""Makes an API token, as the page of one's account does."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labeling.actions.tokens import make_token
from labeling.errors import DomainError
from labeling.models import ApiToken, User


class Command(BaseCommand):
    help = "Make a token for the API. Prints its key, which is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="of the account that the program works for")
        parser.add_argument("--name", required=True, help="what will use it")
        parser.add_argument(
            "--scopes", nargs="+", default=[ApiToken.Scope.READ], choices=ApiToken.Scope.values
        )
        parser.add_argument("--days", type=int, default=90, help="until it expires")

    def handle(self, *args: Any, **options: Any) -> str:
        user = User.objects.filter(email=options["email"].strip().lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"There is no account with the address {options['email']!r}.")
        try:
            wish = {name: options[name] for name in ("name", "scopes", "days")}
            return make_token(user=user, **wish)[1]
        except DomainError as error:
            raise CommandError(" ".join([error.message, *error.fields.values()])) from error
