"""`manage.py backup` and `manage.py restore FILE`: finds or starts the database that they need.

Runs before Django's settings can be read, like `up`. What they do is in training/backup.
"""

import os
from pathlib import Path

from config import environment
from config.environment import BASE_DIR, EnvironmentProblem


def main(arguments: list[str]) -> None:
    """Use what DATABASE_URL and REDIS_URL name, else what runs from VAR_DIR, else start its services."""
    environment.load_settings_file()
    var_dir = environment.path("VAR_DIR", BASE_DIR / "var")
    # `up` works in the checkout, wherever this was typed.
    arguments = [str(Path(word).absolute()) if Path(word).is_file() else word for word in arguments]
    given = bool(os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))
    runs = environment.is_locked(var_dir / "up.lock")
    if arguments[0] == "restore" and runs and not given:
        raise EnvironmentProblem(
            f"Preceptor runs from {var_dir}: stop it first, or set VAR_DIR to a new one."
        )
    if given or runs:
        from django.core.management import execute_from_command_line

        execute_from_command_line(["manage.py", *arguments])
    else:
        from config.up import main as up

        up(arguments)
