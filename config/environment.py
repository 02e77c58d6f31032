"""Reads settings from the environment and says plainly what is missing or malformed."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent


class EnvironmentProblem(SystemExit):
    """A variable is missing or malformed; the message says what to set."""


def load_running_services(var_dir: Path) -> None:
    """Let commands beside a running `manage.py up` reach its private PostgreSQL and Valkey.

    The supervisor writes the addresses of what it started; variables already set win.
    """
    try:
        lines = (var_dir / "services.env").read_text().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        name, _, value = line.partition("=")
        os.environ.setdefault(name, value)


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, "")
    if value:
        return value
    if default is None:
        raise EnvironmentProblem(
            f"{name} is not set. Start everything with `make run`, or set it (see .env.example)."
        )
    return default


def flag(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").lower()
    if value == "":
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise EnvironmentProblem(f"{name}={value!r} is neither true nor false: write 1 or 0.")


def whole_number(name: str, default: int, *, least: int = 1) -> int:
    value = os.environ.get(name, "")
    if value == "":
        return default
    if not value.isdigit() or int(value) < least:
        raise EnvironmentProblem(f"{name}={value!r} must be a whole number, {least} or more.")
    return int(value)
