"""Snapshots: the record as immutable files, with a manifest and their members."""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from labeling import exports
from labeling.errors import DomainError
from labeling.models import Project, Prompt, User
from training import transitions
from training.actions.doorbell import ring_snapshot
from training.engine import records
from training.engine.errors import RecordError
from training.models import Snapshot, SnapshotMember

BATCH = 5000
# What can be taken from the project; a corpus comes from a file.
TAKEN = (*Snapshot.RECORD, Snapshot.Content.COMPLETIONS)
OUTPUTS = gettext_noop("outputs")  # how completions are counted: they are of no split


@transaction.atomic
def take_snapshot(
    *,
    project: Project,
    user: User | None,
    contents: Sequence[str] = Snapshot.RECORD,
    splits: Sequence[str] = Prompt.Split.values,
) -> Snapshot:
    """Have the record written to files as it is when the worker comes to it.

    Refuses unknown contents, and an empty snapshot: what was asked for does not exist yet.
    """
    if not contents or set(contents) - set(TAKEN):
        raise DomainError("unknown_contents", _("A snapshot holds some of %s.") % ", ".join(TAKEN))
    if not splits or set(splits) - set(Prompt.Split.values):
        raise DomainError("unknown_split", _("Splits are some of %s.") % ", ".join(Prompt.Split.values))
    if not any(_exists(project, content) for content in _content_that_must_be(contents)):
        raise DomainError(
            "empty_snapshot",
            _("There is nothing to take: no %s yet. Collect some first.")
            % _(" and no ").join(str(Snapshot.Content(c).label) for c in _content_that_must_be(contents)),
        )
    snapshot = Snapshot.objects.create(
        project=project, contents=list(contents), filters={"splits": list(splits)}, created_by=user
    )
    ring_snapshot(snapshot)
    return snapshot


def build_snapshot(*, snapshot_id: int) -> None:
    """Write the files of what was taken; does nothing when it is built, or being built by another.

    A record that cannot be written, or a full disk, fails the snapshot with the reason.
    """
    try:
        _build(snapshot_id)
    except (RecordError, OSError) as error:
        snapshot = Snapshot.objects.get(pk=snapshot_id)
        transitions.change_snapshot(snapshot, Snapshot.Status.FAILED, error=str(error))


@dataclass
class _Written:
    """What has gone into the files so far."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    members: list[int] = field(default_factory=list)

    def counted(self, content: str, rows: Iterable[Any]) -> Iterator[Any]:
        """Pass on the records, keeping count and membership.

        rows: records, or (submission id, record).
        """
        count = self.counts.setdefault(content, Counter())
        for row in rows:
            submission_id, record = row if isinstance(row, tuple) else (None, row)
            count[getattr(record, "split", OUTPUTS)] += 1
            if submission_id is not None:
                self.members.append(submission_id)
            yield record


@exports.one_state_of_the_database()
def _build(snapshot_id: int) -> None:
    snapshot = (
        Snapshot.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("project")
        .filter(pk=snapshot_id, status=Snapshot.Status.BUILDING)
        .exclude(contents=[Snapshot.Content.CORPUS])
        .first()
    )
    if snapshot is None:
        return
    written = _Written()
    complete_snapshot(snapshot, partial(_write_files, snapshot, written), members=written.members)


def complete_snapshot(
    snapshot: Snapshot,
    write: Callable[[Path], Mapping[str, Mapping[str, int]]],
    *,
    members: Sequence[int] = (),
) -> None:
    """Give a snapshot its directory, which appears whole or not at all, and make it ready.

    write: puts the files into a directory and returns the counts. members: submissions, filled by `write`.
    """
    path = Path("snapshots") / str(snapshot.pk)
    final = Path(settings.ARTIFACTS_DIR) / path
    unfinished = final.with_name(f"{final.name}.partial")
    for leftover in (unfinished, final):  # of a builder that died before its commit
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        counts = write(unfinished)
        hashes = {file.name: exports.sha256_of(file) for file in sorted(unfinished.glob("*.parquet"))}
        content_hash = hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()
        # The public ids of its members are the columns ranking_id and demonstration_id.
        facts = {"counts": counts, "files": hashes, "content_hash": content_hash, "members": len(members)}
        manifest = json.dumps({**_description(snapshot), **facts}, indent=2, ensure_ascii=False)
        (unfinished / "manifest.json").write_text(manifest + "\n")
        os.rename(unfinished, final)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    SnapshotMember.objects.bulk_create(
        (SnapshotMember(snapshot=snapshot, submission_id=pk) for pk in members), batch_size=BATCH
    )
    transitions.change_snapshot(
        snapshot, Snapshot.Status.READY, path=str(path), counts=counts, content_hash=content_hash
    )


def _description(snapshot: Snapshot) -> dict[str, Any]:
    """What was asked for, as the manifest says it."""
    described = {
        "snapshot": str(snapshot.public_id),
        "project": str(snapshot.project.public_id),
        "taken_at": snapshot.created_at.isoformat(),
        "contents": snapshot.contents,
        "filters": snapshot.filters,
    }
    return described | ({"name": snapshot.name} if snapshot.name else {})


def _write_files(snapshot: Snapshot, written: _Written, directory: Path) -> dict[str, dict[str, int]]:
    project, filters = snapshot.project, exports.Filters.from_options(snapshot.filters)
    sources: dict[str, tuple[Iterable[Any], type]] = {
        Snapshot.Content.PROMPTS: (exports.prompt_records(project, filters), records.Prompt),
        Snapshot.Content.DEMONSTRATIONS: (
            exports.demonstration_records(project, filters),
            records.Demonstration,
        ),
        Snapshot.Content.RANKINGS: (exports.ranking_records(project, filters), records.Ranking),
        Snapshot.Content.COMPLETIONS: (exports.completion_records(project, filters), records.Completion),
    }
    for content in snapshot.contents:
        rows, record_type = sources[content]
        records.write_records(directory / f"{content}.parquet", written.counted(content, rows), record_type)
    return {content: dict(sorted(count.items())) for content, count in written.counts.items()}


def _content_that_must_be(contents: Sequence[str]) -> list[str]:
    """Prompts alone may be asked for; with judgments among the contents, some judgment must exist."""
    judged = [c for c in contents if c != Snapshot.Content.PROMPTS]
    return judged or list(contents)


def _exists(project: Project, content: str) -> bool:
    count: Callable[[Project], int] = {
        Snapshot.Content.PROMPTS: exports.prompt_count,
        Snapshot.Content.DEMONSTRATIONS: exports.demonstration_count,
        Snapshot.Content.RANKINGS: exports.ranking_count,
        Snapshot.Content.COMPLETIONS: exports.completion_count,
    }[Snapshot.Content(content)]
    return count(project) > 0
