"""Reads Dockerfile and docker-compose.yml as far as they are used here; no Docker is needed."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

BASE_DIR = Path(__file__).resolve().parent.parent
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<sign>[-?])(?P<rest>[^}]*))?\}")


class Unset(Exception):
    """A variable without which nothing starts; the message is what the person gets to read."""


@dataclass
class Stage:
    """One FROM of a Dockerfile and what follows it."""

    name: str
    parent: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, keyword: str) -> list[str]:
        return [value for word, value in self.instructions if word == keyword]


def stages(path: Path = BASE_DIR / "Dockerfile") -> dict[str, Stage]:
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    found: dict[str, Stage] = {}
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        keyword, value = line.strip().split(maxsplit=1)
        if keyword == "FROM":
            parent, name = re.fullmatch(r"(\S+)\s+AS\s+(\S+)", value).groups()  # type: ignore[union-attr]
            stage = found[name] = Stage(name, parent)
        else:
            stage.instructions.append((keyword, " ".join(value.split())))
    return found


def argv(value: str) -> list[str]:
    """CMD's list, also that of a HEALTHCHECK."""
    return json.loads(value[value.index("[") :])


def environment_of(stage: Stage) -> dict[str, str]:
    words = [word for value in stage.all("ENV") for word in shlex.split(value)]
    return dict(word.split("=", 1) for word in words)


def compose(name: str = "docker-compose.yml") -> dict[str, Any]:
    return yaml.safe_load((BASE_DIR / name).read_text())


def interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    """What docker compose makes of ${NAME}, ${NAME:-default} and ${NAME:?message}."""
    if isinstance(value, dict):
        return {key: interpolated(entry, variables) for key, entry in value.items()}
    if isinstance(value, list):
        return [interpolated(entry, variables) for entry in value]
    if not isinstance(value, str):
        return value

    def replacement(match: re.Match[str]) -> str:
        given = variables.get(match["name"], "")
        if given or match["sign"] is None:
            return given
        if match["sign"] == "?":
            raise Unset(f"{match['name']}: {match['rest']}")
        return match["rest"]

    return VARIABLE.sub(replacement, value)


def variables_of_compose() -> set[str]:
    files = BASE_DIR.glob("docker-compose*.yml")
    return {match["name"] for path in files for match in VARIABLE.finditer(path.read_text())}
