"""python -m benchmarks.ours.queue_rows JSON: rows for the queue benchmark, made beside a running site.

{"do": "project" | "claims" | "import" | "database", …}; the last line printed is the answer. A million rows
are copies of one that the program's own action made, by SQL.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django

MOST_PROMPTS = 20_000  # tasks beyond that share prompts
DAYS_OF_WORK = 30


def main(request: dict[str, Any]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    do: dict[str, Callable[..., dict[str, Any]]] = {
        "project": make_project,
        "claims": time_claims,
        "import": time_import,
        "database": make_database,
    }
    print(json.dumps(do[request.pop("do")](**request)))


def make_project(*, tasks: int, people: int, outputs: int, judged: bool, most_by_one: int) -> dict[str, Any]:
    """Ranking tasks and people with tokens. judged: each has one judgment already and wants a second one.

    most_by_one: how many of the first tasks the first person has judged; the others share the rest.
    """
    from django.urls import reverse

    from labeling import actions
    from labeling.actions.tokens import make_token
    from labeling.models import Membership, Project

    name = f"{tasks} tasks, {Project.objects.count()}"
    manager = actions.add_person(email=f"m{Project.objects.count()}@example.org", name="Mia")
    project = actions.create_project(name=name, creator=manager, completions_per_prompt=outputs)
    actions.publish_guidelines(project=project, language="en", body="Be helpful and true.", author=manager)
    members = []
    for number in range(people):
        address = f"p{number}-{project.pk}@example.org"
        member = actions.add_person(email=address, name=f"Person {number}")
        actions.add_member(project=project, user=member, role=Membership.Role.ANNOTATOR)
        members.append(member)
    tokens = [make_token(user=m, name="benchmark", scopes=["read", "label"], days=1)[1] for m in members]
    seats = {"seats_wanted": "2", "seats_taken": "1"} if judged else {}
    first = _fill(project, manager, tasks=tasks, outputs=outputs, **seats)
    if judged:
        _judge(project, first, [member.pk for member in members], tasks, outputs, most_by_one)
    actions.recount(project=project)  # rows that are made quickly are not counted as they come
    _vacuum()
    return {
        "project": str(project.public_id),
        "tokens": tokens,
        "first_person": members[0].email,
        "session": _session_of(manager),
        "dashboard": reverse("manage", args=[project.public_id]),
        "another_page": reverse("manage-guidelines", args=[project.public_id]),
    }


def time_claims(*, projects: list[str], people: list[str], rounds: int) -> dict[str, Any]:
    """Milliseconds of each claim, in the projects by turns; what was claimed is skipped, which is not timed.

    people: by the address of their token's owner.
    """
    from labeling import actions
    from labeling.models import Project, User

    pairs = [
        (Project.objects.get(public_id=project), User.objects.get(email=email))
        for project, email in zip(projects, people, strict=True)
    ]
    took: list[list[float]] = [[] for _ in pairs]
    for _ in range(rounds):
        for (project, user), milliseconds in zip(pairs, took, strict=True):
            began = time.perf_counter()
            assignment = actions.claim_task(user=user, project=project, kind="rank")
            milliseconds.append((time.perf_counter() - began) * 1000)
            assert assignment is not None
            actions.skip_task(assignment=assignment)
    return {"milliseconds": took}


def time_import(*, path: str) -> dict[str, Any]:
    """Seconds from the confirmation of an uploaded file to its last row read in, by the site's worker."""
    from labeling import actions
    from labeling.models import User

    manager = User.objects.create_user(f"i{User.objects.count()}@example.org")
    project = actions.create_project(name=f"Import {manager.pk}", creator=manager)
    with open(path, "rb") as file:  # noqa: PTH123 - a text that came as JSON
        chunks = iter(lambda: file.read(1_000_000), b"")
        transfer = actions.upload_import(project=project, actor=manager, file_name=path, chunks=chunks)
    began = time.monotonic()
    actions.start_import(transfer=transfer, actor=manager)
    while not transfer.is_over:
        time.sleep(0.05)
        transfer.refresh_from_db()
    seconds = time.monotonic() - began
    assert transfer.status == "succeeded" and not transfer.problems, transfer.error
    return {"seconds": seconds, "added": transfer.counts["added"]}


def make_database(*, name: str) -> dict[str, Any]:
    """An empty database on the site's server, for the other program."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    return {}


# --- rows


def _fill(project: Any, author: Any, *, tasks: int, outputs: int, **seats: str) -> int:
    """Tasks of `outputs` outputs each; returns the id of the first, whom the others follow one by one."""
    from benchmarks.page_texts import tasks as texts_of
    from labeling import actions
    from labeling.models import Completion, Prompt, Task, TaskCompletion

    [texts] = texts_of(1, outputs)
    messages = [{"role": "user", "content": texts.prompt}]
    prompt = actions.add_prompt(project=project, messages=messages, author=author)
    completions = [
        actions.add_completion(prompt=prompt, text=text, origin=Completion.Origin.POLICY)
        for text in texts.outputs
    ]
    task = actions.open_ranking_task(prompt=prompt, completions=completions)
    assert task is not None
    prompts = min(tasks, MOST_PROMPTS)
    say = f"'Task ' || n || {_quoted(texts.prompt.removeprefix('Task 1'))}"
    with _quickly():
        first_prompt = _copies(
            Prompt,
            prompt.pk,
            prompts,
            messages=f"jsonb_build_array(jsonb_build_object('role', 'user', 'content', {say}))",
            dedupe_key="md5(n || '-' || source.project_id)",
        )
        firsts = [
            _copies(Completion, completion.pk, prompts, prompt_id=f"{first_prompt} + n - 1")
            for completion in completions
        ]
        of_prompt = f"{first_prompt} + (n - 1) % {prompts}"
        first_task = _copies(Task, task.pk, tasks, prompt_id=of_prompt, **seats)
        for slot, first in zip(task.slots.all(), firsts, strict=True):
            _copies(
                TaskCompletion,
                slot.pk,
                tasks,
                task_id=f"{first_task} + n - 1",
                completion_id=f"{first} + (n - 1) % {prompts}",
            )
        task.slots.all().delete()
        task.delete()
    return first_task


def _judge(project: Any, first: int, people: list[int], tasks: int, outputs: int, most_by_one: int) -> None:
    """One submission for each task; the first person made those of the first `most_by_one`."""
    from labeling import actions
    from labeling.models import Assignment, Ranking, Submission, Task, User

    user = User.objects.get(pk=people[0])
    made = actions.claim_task(user=user, project=project, kind="rank")
    assert made is not None
    places = [(n, n) for n in range(1, outputs + 1)]
    submission = actions.submit_ranking(assignment=made, places=places, idempotency_key="k")
    others = people[1:] or people
    by = f"CASE WHEN n < {most_by_one} THEN {people[0]} ELSE ('{{{','.join(map(str, others))}}}'::int[])"
    by += f"[1 + n % {len(others)}] END"
    when = f"now() - n * interval '{DAYS_OF_WORK} days' / {tasks}"
    rest = tasks - 1  # the first is judged
    with _quickly():
        seat = _copies(
            Assignment, made.pk, rest, task_id=f"{first} + n", user_id=by, claimed_at=when, created_at=when
        )
        sent = _copies(Submission, submission.pk, rest, assignment_id=f"{seat} + n - 1", created_at=when)
        _copies(Ranking, submission.pk, rest, submission_id=f"{sent} + n - 1")
        Task.objects.filter(pk=first).update(seats_taken=1)


def _copies(model: Any, pk: int, count: int, **columns: str) -> int:
    """Copies of one row, n = 1…count, with these columns by SQL; returns the id of the first."""
    from django.db import connection

    if any(field.column == "public_id" for field in model._meta.concrete_fields):
        columns.setdefault("public_id", "gen_random_uuid()")
    own = model._meta.pk
    names = [f.column for f in model._meta.concrete_fields if f is not own or own.column in columns]
    values = ", ".join(columns.get(name, f"source.{name}") for name in names)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {values}"  # noqa: S608 - names of our models
            f" FROM {table} AS source CROSS JOIN generate_series(1, {count}) AS n"
            f" WHERE source.{own.column} = {pk}"
        )
        cursor.execute(f"SELECT max({own.column}) - {count - 1} FROM {table}")  # noqa: S608
        return int(cursor.fetchone()[0])


@contextmanager
def _quickly() -> Iterator[None]:
    """Without looking up each foreign key, which is right by the way it is made."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = DEFAULT")


def _vacuum() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _session_of(user: Any) -> str:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
