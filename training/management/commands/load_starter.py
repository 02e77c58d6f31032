"""Fills an empty database with the starter project."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from training import actions


class Command(BaseCommand):
    help = "Load the starter project and an account per role into an empty database; does nothing otherwise."

    def handle(self, *args: Any, **options: Any) -> str:
        default = Path(settings.VAR_DIR) / "secrets" / "accounts.txt"
        passwords_file = Path(os.environ.get("PRECEPTOR_PASSWORDS_FILE") or default)
        project = actions.load_starter(passwords_file=passwords_file)
        if project is None:
            return "There is a project already: nothing was loaded."
        return f"Loaded {project.name}. Passwords: {passwords_file}"
