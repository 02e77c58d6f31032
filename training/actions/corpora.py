"""Text corpora: entered from a file, read into a snapshot of their own. Whole or not at all."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from labeling.actions.uploads import keep_upload
from labeling.errors import DomainError
from labeling.models import Project, User
from training import transitions
from training.actions.doorbell import ring_snapshot
from training.actions.snapshots import complete_snapshot
from training.corpus_files import FORMATS, CorpusRefused, Line, check_name, lines
from training.engine import records
from training.engine.errors import RecordError
from training.models import Snapshot

DIRECTORY = "corpora"  # below ARTIFACTS_DIR
DOCUMENTS, CHARACTERS = gettext_noop("documents"), gettext_noop("characters")  # how a corpus is counted
MOST_PROBLEMS = 1000  # kept with their reasons; the rest is counted
SECONDS_BETWEEN_PROGRESS = 1.0


@transaction.atomic
def upload_corpus(
    *, project: Project, user: User | None, name: str, file_name: str, chunks: Iterable[bytes]
) -> Snapshot:
    """Keep a file of texts that was sent, and have it read by a worker.

    Refuses (CorpusRefused) a name that is neither JSONL nor Parquet, an empty file, and one over the site's
    limit.
    """
    check_name(file_name)
    corpus = _new_corpus(project, user, name or Path(file_name).stem)
    corpus.source = f"{DIRECTORY}/uploads/{corpus.pk}{Path(file_name).suffix.lower()}"
    try:
        corpus.progress_total = keep_upload(
            _file_of(corpus),
            chunks,
            refused=CorpusRefused,
            too_large=_("The file is larger than %s MB, this site's limit: put it on the server."),
        )
    except DomainError:
        _file_of(corpus).unlink(missing_ok=True)
        raise
    corpus.save(update_fields=["source", "progress_total"])
    ring_snapshot(corpus)
    return corpus


@transaction.atomic
def register_corpus(*, project: Project, user: User | None, path: Path, name: str = "") -> Snapshot:
    """Have a file of texts that is on the server read by a worker; the file stays where it is.

    path: below ARTIFACTS_DIR, or absolute. Refuses (CorpusRefused) what upload_corpus refuses, whatever its
    size.
    """
    check_name(path.name)
    try:
        size = (Path(settings.ARTIFACTS_DIR) / path).stat().st_size
    except OSError as error:
        raise CorpusRefused(_("%(path)s cannot be read: %(why)s.") % _why(path, error)) from error
    if size == 0:
        raise CorpusRefused(_("The file is empty."))
    corpus = _new_corpus(project, user, name or path.stem)
    corpus.source, corpus.progress_total = str(path), size
    corpus.save(update_fields=["source", "progress_total"])
    ring_snapshot(corpus)
    return corpus


def corpora_directory() -> Path:
    """Where files wait that somebody has put on the server for this."""
    return Path(settings.ARTIFACTS_DIR) / DIRECTORY


def offered_files() -> list[Path]:
    """Those files, below ARTIFACTS_DIR."""
    root = corpora_directory()
    found = sorted(root.iterdir()) if root.is_dir() else []
    return [Path(DIRECTORY) / file.name for file in found if file.suffix.lower() in FORMATS]


def build_corpus(*, snapshot_id: int) -> None:
    """Read a corpus into its files; does nothing when that is done, or being done by another.

    One broken line and there is no corpus: the broken ones are listed by number with the reason, and nothing
    half written stays.
    """
    with _the_only_one_at(snapshot_id) as is_mine:
        corpus = Snapshot.objects.filter(
            pk=snapshot_id, contents=[Snapshot.Content.CORPUS], status=Snapshot.Status.BUILDING
        ).first()
        if not is_mine or corpus is None:
            return
        language = corpus.created_by.language if corpus.created_by else ""
        with translation.override(language or "en"):
            try:
                complete_snapshot(corpus, partial(_write, corpus))
            except CorpusRefused as error:
                transitions.change_snapshot(corpus, Snapshot.Status.FAILED, error=error.message)
            except (RecordError, OSError) as error:
                transitions.change_snapshot(corpus, Snapshot.Status.FAILED, error=str(error))
        if Path(corpus.source).parts[:2] == (DIRECTORY, "uploads"):
            _file_of(corpus).unlink(missing_ok=True)


@dataclass
class _Reading:
    """What has been found in the file so far."""

    corpus: Snapshot
    documents: int = 0
    characters: int = 0
    broken: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)
    told_at: float = 0.0

    def documents_of(self, found: Iterable[Line]) -> Iterator[records.Document]:
        """The documents; once a line is broken the rest is read for its problems alone."""
        for line in found:
            self._tell(line.done)
            if line.problem:
                self.broken += 1
                if len(self.problems) < MOST_PROBLEMS:
                    self.problems.append({"line": line.number, "reason": line.problem})
            elif not self.broken:
                self.documents += 1
                self.characters += len(line.text)
                yield records.Document(line.text)

    def _tell(self, done: int) -> None:
        if time.monotonic() - self.told_at > SECONDS_BETWEEN_PROGRESS:
            self.told_at = time.monotonic()
            Snapshot.objects.filter(pk=self.corpus.pk).update(progress_done=done)


def _write(corpus: Snapshot, directory: Path) -> dict[str, dict[str, int]]:
    """Put the documents into the directory; returns the counts. Raises CorpusRefused."""
    reading = _Reading(corpus)
    documents = reading.documents_of(lines(_file_of(corpus)))
    records.write_records(directory / "corpus.parquet", documents, records.Document)
    if reading.broken:
        Snapshot.objects.filter(pk=corpus.pk).update(problems=reading.problems)
        refusal = ngettext("%s line is broken: mend it.", "%s lines are broken: mend them.", reading.broken)
        raise CorpusRefused(refusal % f"{reading.broken:,}")
    if not reading.documents:
        raise CorpusRefused(_("There is no document in the file."))
    Snapshot.objects.filter(pk=corpus.pk).update(progress_done=corpus.progress_total)
    return {Snapshot.Content.CORPUS: {DOCUMENTS: reading.documents, CHARACTERS: reading.characters}}


def _new_corpus(project: Project, user: User | None, name: str) -> Snapshot:
    return Snapshot.objects.create(
        project=project, contents=[Snapshot.Content.CORPUS], name=name.strip()[:120], created_by=user
    )


def _file_of(corpus: Snapshot) -> Path:
    return Path(settings.ARTIFACTS_DIR) / corpus.source


def _why(path: Path, error: OSError) -> dict[str, str]:
    return {"path": str(path), "why": error.strerror or str(error)}


@contextmanager
def _the_only_one_at(snapshot_id: int) -> Iterator[bool]:
    """Whether nobody else builds it. A lock of the connection, not of the row: progress can be written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCKS, snapshot_id])
        is_mine = cursor.fetchone()[0]
        try:
            yield is_mine
        finally:
            if is_mine:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCKS, snapshot_id])


_LOCKS = 0x636F7270  # "corp": the first half of these locks' keys
