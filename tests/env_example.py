"""Says (python -m tests.env_example) how .env.example differs from the variables that are read."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.container_files import variables_of_compose

BASE_DIR = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "labeling", "training")
READERS = {"path", "text", "flag", "whole_number", "get", "getenv"}
# Python's, Django's and torchrun's own.
NOT_OURS = {"DJANGO_SETTINGS_MODULE", "LOCAL_RANK", "RANK", "TMPDIR", "XDG_RUNTIME_DIR"}


def variables_read() -> set[str]:
    files = [path for package in PACKAGES for path in (BASE_DIR / package).rglob("*.py")]
    by_the_program = {name for path in files for name in _names_in(ast.parse(path.read_text()))} - NOT_OURS
    return by_the_program | variables_of_compose()


def variables_listed() -> set[str]:
    lines = (BASE_DIR / ".env.example").read_text().splitlines()
    return {line.partition("=")[0] for line in lines if line and not line.startswith("#")}


def _names_in(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            source = ast.unparse(node.func.value)
            if node.func.attr in READERS and source in {"environment", "os.environ", "os"}:
                key = node.args[0]
            else:
                continue
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            if ast.unparse(node.value) != "os.environ":
                continue
            key = node.slice
        else:
            continue
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value


def main() -> None:
    problems = [f"{name} is read and not in .env.example" for name in variables_read() - variables_listed()]
    problems += [
        f"{name} is in .env.example and never read" for name in variables_listed() - variables_read()
    ]
    if problems:
        sys.exit("\n".join(sorted(problems)))


if __name__ == "__main__":
    main()
