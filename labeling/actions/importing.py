"""Reading an import in: what a worker does, batch by batch.

Each batch is one transaction that also moves the place where the next begins, so that an import whose worker
was killed goes on after its last batch and counts nothing twice.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Now
from django.utils import translation
from django.utils.translation import gettext as _

from labeling.actions.imports import MOST_PROBLEMS, checked_fields, rows_of
from labeling.actions.people import import_authors
from labeling.actions.prompts import dedupe_key
from labeling.actions.splits import split_of
from labeling.actions.tasks import of_prompt
from labeling.actions.transfers import Cancelled, Superseded, claim_transfer, end_transfer
from labeling.imports.files import Place, RawRow, RowProblem
from labeling.imports.rows import PromptFields
from labeling.models import Project, Prompt, Task, Transfer, User

BATCH = 500


def run_import(*, transfer_id: int) -> None:
    """Read a confirmed import in; does nothing when another worker has it, or it is over.

    A file that cannot be read any more fails the import with the reason.
    """
    transfer = claim_transfer(transfer_id=transfer_id, direction=Transfer.Direction.IMPORT)
    if transfer is None:
        return
    language = transfer.created_by.language if transfer.created_by else ""
    with translation.override(language or "en"):
        try:
            _read_in(transfer)
        except Superseded:
            return
        except Cancelled:
            end_transfer(transfer=transfer, to=Transfer.Status.CANCELLED)
        except OSError as error:
            reason = _("The file cannot be read: %s. Upload it again.") % error
            end_transfer(transfer=transfer, to=Transfer.Status.FAILED, error=reason)
        else:
            end_transfer(transfer=transfer, to=Transfer.Status.SUCCEEDED)


@dataclass(frozen=True)
class _Row:
    line: int
    fields: PromptFields
    key: str  # the dedupe key

    @property
    def address(self) -> str:
        """Of the account that stands for its author; letter case and white space aside."""
        if not self.fields.author:
            return "unknown@import.invalid"
        name = " ".join(self.fields.author.split()).casefold()
        return f"author-{hashlib.sha256(name.encode()).hexdigest()[:24]}@import.invalid"


@dataclass
class _Batch:
    """What is found out about some rows before they are written."""

    added: int = 0
    known: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, line: int, reason: str) -> None:
        self.problems.append({"line": line, "reason": reason})


def _read_in(transfer: Transfer) -> None:
    # Where it begins is read after the claim: nobody else writes it now.
    reached = transfer.counts.get("reached")
    since = Place(*reached) if reached else None
    rows = iter(rows_of(transfer, since=since))
    while batch := list(islice(rows, BATCH)):
        _take_in(transfer, batch)


@transaction.atomic
def _take_in(transfer: Transfer, raw_rows: list[RawRow]) -> None:
    """One batch: prompts, authors and tasks, and how far the import is. Raises Superseded and Cancelled."""
    row = (
        Transfer.objects.select_for_update(of=("self",))
        .select_related("project")
        .filter(pk=transfer.pk, attempt=transfer.attempt, status=Transfer.Status.RUNNING)
        .first()
    )
    if row is None:
        raise Superseded
    if row.cancel_requested_at is not None:
        raise Cancelled
    batch = _Batch()
    _add_prompts(row, list(_readable(row, raw_rows, batch)), batch)
    end = raw_rows[-1].end
    counts = row.counts
    for name, more in (("added", batch.added), ("known", batch.known), ("broken", len(batch.problems))):
        counts[name] = counts.get(name, 0) + more
    counts["reached"] = [end.offset, end.line]
    row.problems += sorted(batch.problems, key=lambda p: p["line"])[: MOST_PROBLEMS - len(row.problems)]
    row.progress_done = end.offset
    row.progress_total = row.options["size"]
    row.save(update_fields=["counts", "problems", "progress_done", "progress_total"])
    Transfer.objects.filter(pk=row.pk).update(heartbeat_at=Now())


def _readable(transfer: Transfer, raw_rows: list[RawRow], batch: _Batch) -> Iterator[_Row]:
    for raw in raw_rows:
        try:
            fields = checked_fields(raw, transfer)
        except RowProblem as problem:
            batch.refuse(raw.line, str(problem))
        else:
            yield _Row(raw.line, fields, dedupe_key(fields.messages))


def _add_prompts(transfer: Transfer, rows: list[_Row], batch: _Batch) -> None:
    project = transfer.project
    # One batch at a time per project: two imports of the same rows would wait for each other for ever.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    new = _unknown(project, rows, batch)
    authors = import_authors({row.address: row.fields.author or _("unknown author") for row in new})
    splits = _Splits(project, authors)
    prompts = []
    for row in new:
        try:
            split = splits.of(row)
        except RowProblem as problem:
            batch.refuse(row.line, str(problem))
            continue
        prompts.append(_prompt(transfer, row, authors[row.address], split))
    Prompt.objects.bulk_create(prompts, ignore_conflicts=True)
    # Whatever somebody else added meanwhile was left out: it is known.
    mine = Prompt.objects.filter(project=project, public_id__in=[p.public_id for p in prompts])
    written = list(mine.defer("messages", "metadata"))
    batch.added += len(written)
    batch.known += len(prompts) - len(written)
    if transfer.options["ask_for_demonstrations"]:
        Task.objects.bulk_create(
            Task(**of_prompt(prompt), kind=Task.Kind.DEMONSTRATE)
            for prompt in written
            if prompt.split == Prompt.Split.TRAIN
        )


def _unknown(project: Project, rows: list[_Row], batch: _Batch) -> list[_Row]:
    """The rows whose prompts the project has not got; an external id that another text has is refused."""
    prompts = Prompt.objects.filter(project=project)
    known = set(prompts.filter(dedupe_key__in=[row.key for row in rows]).values_list("dedupe_key", flat=True))
    external_ids = [row.fields.external_id for row in rows if row.fields.external_id]
    taken = dict(prompts.filter(external_id__in=external_ids).values_list("external_id", "dedupe_key"))
    new = []
    for row in rows:
        external_id = row.fields.external_id
        if row.key in known:
            batch.known += 1
        elif external_id in taken:
            batch.refuse(row.line, _("Another prompt has the external id “%s”.") % external_id)
        else:
            known.add(row.key)
            if external_id:
                taken[external_id] = row.key
            new.append(row)
    return new


class _Splits:
    """Who is in which split, so that no author is in two. Prompts without an author stand for themselves."""

    def __init__(self, project: Project, authors: dict[str, User]) -> None:
        self.project = project
        one_prompt = Prompt.objects.filter(project=project, author=OuterRef("pk")).values("split")[:1]
        people = User.objects.filter(pk__in=[user.pk for user in authors.values()])
        held = dict(people.annotate(split=Subquery(one_prompt)).values_list("pk", "split"))
        self.by_author = {address: held[user.pk] or "" for address, user in authors.items()}

    def of(self, row: _Row) -> str:
        """Raises RowProblem when the row wants its author in a second split."""
        wanted = row.fields.split
        if not row.fields.author:
            return wanted or split_of(self.project, row.key)
        settled = self.by_author[row.address]
        if settled and wanted and settled != wanted:
            raise RowProblem(
                _("It is in the split %(wanted)s, but its author's prompts are in %(settled)s.")
                % {"wanted": wanted, "settled": settled}
            )
        self.by_author[row.address] = settled or wanted or split_of(self.project, row.address)
        return self.by_author[row.address]


def _prompt(transfer: Transfer, row: _Row, author: User, split: str) -> Prompt:
    fields = row.fields
    return Prompt(
        project=transfer.project,
        messages=fields.messages,
        author=author,
        source=fields.source or Prompt.Source.IMPORT,
        category=fields.category or Prompt.Category.OTHER,
        language=fields.language or transfer.options["language"],
        split=split,
        topics=fields.topics,
        dedupe_key=row.key,
        external_id=fields.external_id,
        metadata=fields.metadata,
    )
