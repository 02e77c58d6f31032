"""Reads settings from the environment and says plainly what is missing or malformed."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent


class EnvironmentProblem(SystemExit):
    """A variable is missing or malformed; the message says what to set."""


def path(name: str, default: Path) -> Path:
    """A relative path is one inside the checkout, wherever the command is typed."""
    return (BASE_DIR / text(name, str(default))).resolve()


def load_file(path: Path) -> None:
    """NAME=value lines of a file such as .env; variables already set win."""
    try:
        lines = path.read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError as error:
        raise EnvironmentProblem(
            f"{path} may not be read by this user: work as the one who owns it."
        ) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not equals or not name.strip().isidentifier():
            raise EnvironmentProblem(f"{path}, line {number}: write NAME=value.")
        os.environ.setdefault(name.strip(), value.strip().strip("\"'"))


def load_settings_file() -> None:
    """The file that ENV_FILE names; without it, .env in the checkout."""
    load_file(Path(os.environ.get("ENV_FILE") or BASE_DIR / ".env"))


def load_running_services(var_dir: Path) -> None:
    """Let commands beside a running `manage.py up` reach its private PostgreSQL and Valkey.

    The supervisor writes the addresses of what it started. A file that a killed one left behind is not
    believed: the living one holds a lock.
    """
    if is_locked(var_dir / "up.lock"):
        load_file(var_dir / "services.env")


def is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, "")
    if value:
        return value
    if default is None:
        raise EnvironmentProblem(
            f"{name} is not set. Start everything with `make run`, or set it (see .env.example)."
        )
    return default


@dataclass(frozen=True)
class MailServer:
    host: str
    port: int
    user: str
    password: str
    is_encrypted: bool  # from the first byte on
    starts_tls: bool


def mail_server(name: str) -> MailServer | None:
    """smtp://user:password@host:587 uses STARTTLS, smtps:// at once, smtp+plain:// never. None: unset."""
    value = text(name, "")
    if not value:
        return None
    try:
        parts = urlsplit(value)
        port = parts.port or {"smtps": 465, "smtp": 587}.get(parts.scheme, 25)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in {"smtp", "smtps", "smtp+plain"} or not parts.hostname:
        raise EnvironmentProblem(f"{name} is no mail server: write smtp://user:password@host:587.")
    return MailServer(
        host=parts.hostname,
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        is_encrypted=parts.scheme == "smtps",
        starts_tls=parts.scheme == "smtp",
    )


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
