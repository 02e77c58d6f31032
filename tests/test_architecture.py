"""The rules that import-linter cannot keep."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import env_example

BASE_DIR = Path(__file__).resolve().parent.parent
PYTHON_FILES = [
    path
    for package in ("config", "labeling", "training")
    for path in sorted((BASE_DIR / package).rglob("*.py"))
    if "migrations" not in path.parts
]
TEMPLATES = sorted([*(BASE_DIR / "templates").rglob("*.html"), *BASE_DIR.glob("*/templates/**/*.html")])
STYLESHEETS = sorted((BASE_DIR / "static").rglob("*.css"))
SCRIPTS = sorted((BASE_DIR / "static").rglob("*.js"))

# What training may know of labeling. DomainError is the one error type of both.
LABELING_FOR_TRAINING = {"access", "actions", "api", "errors", "exports", "models", "queries"}


def name(path: Path) -> str:
    return str(path.relative_to(BASE_DIR))


def found(pattern: str, files: list[Path]) -> list[str]:
    """Where a pattern stands, as file:line."""
    return [
        f"{name(path)}:{number}"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(pattern, line)
    ]


STATUSES = {"status", "review_state"}


def status_writes(tree: ast.Module) -> Iterator[int]:
    """Lines that assign `.status` or give `status=` to update(), or another column of that sort."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"update", "bulk_update", "setattr"}
            and any(keyword.arg in STATUSES for keyword in node.keywords)
        ):
            yield node.lineno
        for target in targets:
            if isinstance(target, ast.Attribute) and target.attr in STATUSES:
                yield node.lineno


def loaded_after(code: str) -> set[str]:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    finished = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sorted(sys.modules))"],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return set(finished.stdout.split())


def test_the_rule_about_statuses_sees_each_way_of_writing_one():
    code = (
        "task.status = 1\nTask.objects.filter(status=2).update(status=3)\nTask(status=4)\nx.review_state = 5"
    )

    assert sorted(status_writes(ast.parse(code))) == [1, 2, 4]


def test_only_transitions_write_a_status():
    writers = [
        f"{name(path)}:{line}"
        for path in PYTHON_FILES
        if path.name != "transitions.py" and "engine" not in path.parts
        for line in status_writes(ast.parse(path.read_text()))
    ]

    assert writers == []


def test_training_reaches_labeling_only_where_it_may():
    strangers = []
    for path in PYTHON_FILES:
        if path.parts[len(BASE_DIR.parts)] != "training":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            modules: list[str] = []
            if isinstance(node, ast.ImportFrom) and node.module == "labeling":
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("labeling."):
                modules = [(node.module or "").split(".")[1]]
            elif isinstance(node, ast.Import):
                modules = [a.name.split(".")[1] for a in node.names if a.name.startswith("labeling.")]
            strangers += [f"{name(path)}: {m}" for m in modules if m not in LABELING_FOR_TRAINING]

    assert strangers == []


def test_the_web_process_never_loads_torch():
    loaded = loaded_after(
        "import django; django.setup()\n"
        "from django.urls import get_resolver\n"
        "import config.wsgi, config.urls; get_resolver().url_patterns"
    )

    assert "labeling.views" in loaded
    assert {"torch", "transformers"} & loaded == set()


def test_the_celery_parent_never_loads_torch():
    loaded = loaded_after("from config import celery_app; celery_app.loader.import_default_modules()")

    assert {"labeling.tasks", "training.tasks"} <= loaded
    assert {"torch", "transformers"} & loaded == set()


@pytest.mark.parametrize("package", ["training", "training/engine"])
def test_a_package_on_the_way_to_the_records_stays_empty(package):
    assert (BASE_DIR / package / "__init__.py").read_text() == ""


def test_the_example_of_the_environment_lists_what_is_read():
    assert env_example.variables_listed() == env_example.variables_read()


def test_only_the_markdown_module_declares_text_safe():
    in_code = found(r"mark_safe|SafeString\(|__html__", PYTHON_FILES)

    assert found(r"\|\s*(safe|safeseq)\b|autoescape\s+off", TEMPLATES) == []
    assert {place.split(":")[0] for place in in_code} <= {"labeling/markdown.py"}


def test_templates_hold_no_inline_script_style_or_handler():
    assert found(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", TEMPLATES) == []
    assert found(r"<style|\sstyle\s*=", TEMPLATES) == []
    assert found(r"\son[a-z]+\s*=|javascript:|hx-on", TEMPLATES) == []


def test_pages_load_nothing_from_another_origin():
    elsewhere = r"(https?:)?//[a-z0-9-]+\.[a-z]"

    assert found(rf"""(src|href|action)\s*=\s*["']{elsewhere}""", TEMPLATES) == []
    assert found(rf"""(url\(|@import)\s*["']?{elsewhere}""", STYLESHEETS) == []
    assert found(rf"""(import|fetch)\b.*["'`]{elsewhere}""", SCRIPTS) == []


def test_the_readme_tree_names_every_top_level_package():
    readme = (BASE_DIR / "README.md").read_text()
    packages = {path.parent.name for path in BASE_DIR.glob("*/__init__.py")}

    assert {package for package in packages if f"{package}/" not in readme} == set()


ENGINE = BASE_DIR / "training" / "engine"


def code_lines(source: str) -> int:
    """Lines that are neither blank nor part of a docstring."""
    documented: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            documented.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(bool(line.strip()) and number not in documented for number, line in lines)


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file with its number of lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


def test_docstrings_and_blank_lines_are_no_code():
    source = '"""Module,\ntwo lines."""\n\ndef one():\n    """Doc."""\n    return "text"\n'

    assert code_lines(source) == 2


@pytest.mark.parametrize("path", sorted(ENGINE.glob("recipes/*.py")), ids=lambda path: path.stem)
def test_a_recipe_reads_top_to_bottom_in_under_150_lines(path):
    assert len(path.read_text().splitlines()) < 150


def test_the_algorithms_are_under_400_lines_together():
    assert sum(code_lines(path.read_text()) for path in ENGINE.glob("algorithms/*.py")) < 400


def test_a_file_of_the_engine_is_under_400_lines():
    lines = {name(path): len(path.read_text().splitlines()) for path in ENGINE.rglob("*.py")}

    assert {path: count for path, count in lines.items() if count >= 400} == {}


def test_a_function_of_the_engine_is_at_most_40_lines_and_a_recipe_120():
    long = [
        f"{name(path)}: {function} has {lines}"
        for path in ENGINE.rglob("*.py")
        for function, lines in functions(path)
        if lines > (120 if path.parent.name == "recipes" else 40)
    ]

    assert long == []
