"""Makes judgments, and exports of them, for tests."""

import json
from pathlib import Path
from typing import Any

from labeling import actions, exports
from labeling.models import Assignment, Project, Submission, Transfer, User
from tests.making import make_prompt, make_ranking_task


def make_ranking(
    user: User, project: Project, places: tuple[int, ...] = (1, 2, 3, 4), texts: str = "abcd", **prompt: Any
) -> Submission:
    """A ranking task over these texts, by slot, and this person's places of them."""
    task = make_ranking_task(project, list(texts), prompt=make_prompt(project, **prompt))
    assignment = actions.claim_task(user=user, project=project, kind="rank")
    assert assignment is not None and assignment.task_id == task.pk
    return rank(assignment, places)


def rank(assignment: Assignment, places: tuple[int, ...], **fields: Any) -> Submission:
    shown = [(output, places[slot - 1]) for output, slot in enumerate(assignment.display_order, start=1)]
    number = assignment.submissions.count()
    return actions.submit_ranking(assignment=assignment, places=shown, idempotency_key=f"k{number}", **fields)


def make_demonstration(user: User, project: Project, text: str = "Because.", **prompt: Any) -> Submission:
    return actions.import_demonstration(prompt=make_prompt(project, **prompt), author=user, text=text)


def rows_of(project: Project, content: str, **filters: Any) -> list[dict[str, Any]]:
    """The rows an export would write, before they are files."""
    groups = exports.source_of(content).groups(project, exports.Filters(**filters))
    return [row for group in groups for row in group]


def start(project: Project, content: str = "rankings", format: str = "jsonl", **options: Any) -> Transfer:
    user = options.pop("user", None)
    return actions.start_export(
        project=project, user=user, content=content, format=format, filters=exports.Filters(**options)
    )


def export(project: Project, content: str = "rankings", format: str = "jsonl", **options: Any) -> Transfer:
    """Started and, in this process, written."""
    transfer = start(project, content, format, **options)
    actions.run_export(transfer_id=transfer.pk)
    transfer.refresh_from_db()
    return transfer


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def directory_of(transfer: Transfer) -> Path:
    from django.conf import settings

    assert transfer.path
    return Path(settings.ARTIFACTS_DIR) / transfer.path
