"""Reading an import in: what a worker does, batch by batch.

Each batch is one transaction that also moves the place where the next begins, so that an import whose worker
was killed goes on after its last batch and counts nothing twice.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import islice

from django.db import connection, transaction
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Now
from django.utils import translation
from django.utils.translation import gettext as _

from labeling.actions.import_problems import Problem, keep_problems
from labeling.actions.import_rankings import open_rankings
from labeling.actions.import_reading import Reader, rows_of
from labeling.actions.outside import add_from_outside
from labeling.actions.people import import_authors
from labeling.actions.prompts import dedupe_key
from labeling.actions.splits import split_of
from labeling.actions.tasks import of_prompt
from labeling.actions.transfers import Cancelled, Superseded, claim_transfer, end_transfer, held
from labeling.imports.files import FileRefused, Place, RawRow, RowProblem
from labeling.imports.rows import PromptFields
from labeling.imports.sources import bytes_before
from labeling.models import Project, Prompt, Task, Transfer, User

BATCH = 500


def run_import(*, transfer_id: int) -> None:
    """Read a confirmed import in; does nothing when another worker has it, or it is over.

    A file that cannot be read any more fails the import with the reason; what was read in before stays.
    """
    transfer = claim_transfer(transfer_id=transfer_id, direction=Transfer.Direction.IMPORT)
    if transfer is None:
        return
    language = transfer.created_by.language if transfer.created_by else ""
    with translation.override(language or "en"):
        try:
            _read_in(transfer)
            if transfer.options["opens_rankings"]:
                open_rankings(transfer)
        except Superseded:
            return
        except Cancelled:
            end_transfer(transfer=transfer, to=Transfer.Status.CANCELLED)
        except FileRefused as error:
            end_transfer(transfer=transfer, to=Transfer.Status.FAILED, error=error.message)
        except OSError as error:
            reason = _("The file cannot be read: %s. Upload it again.") % error
            end_transfer(transfer=transfer, to=Transfer.Status.FAILED, error=reason)
        else:
            end_transfer(transfer=transfer, to=Transfer.Status.SUCCEEDED)


@dataclass(frozen=True)
class _Row:
    raw: RawRow
    fields: PromptFields
    key: str  # the dedupe key

    @cached_property
    def address(self) -> str:
        """Of the account that stands for its author; letter case and white space aside."""
        if not self.fields.author:
            return "unknown@import.invalid"
        name = " ".join(self.fields.author.split()).casefold()
        return f"author-{hashlib.sha256(name.encode()).hexdigest()[:24]}@import.invalid"


@dataclass
class _Batch:
    """What is found out about some rows before they are written."""

    reader: Reader
    added: int = 0
    known: int = 0
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, row: RawRow, reason: str) -> None:
        self.problems.append(self.reader.problem(row, reason))

    def taken(self, rows: list[_Row]) -> list[_Row]:
        """Those that were not refused after they had been read."""
        refused = {(problem.file, problem.line) for problem in self.problems}
        return [row for row in rows if (row.raw.end.file, row.raw.line) not in refused]


def _read_in(transfer: Transfer) -> None:
    # Where it begins is read after the claim: nobody else writes it now.
    reached = transfer.counts.get("reached")
    since = Place(*reached) if reached else None
    reader = Reader(transfer)
    rows = iter(rows_of(transfer, since=since))
    while batch := list(islice(rows, BATCH)):
        _take_in(transfer, batch, reader)


@transaction.atomic
def _take_in(transfer: Transfer, raw_rows: list[RawRow], reader: Reader) -> None:
    """One batch: prompts, authors, outputs and tasks, and how far the import is.

    Raises Superseded and Cancelled.
    """
    row = held(transfer)
    batch = _Batch(reader)
    rows = list(_readable(raw_rows, batch))
    _add_prompts(row, rows, batch)
    counts = row.counts
    if reader.reading.outputs:
        _add_outputs(row, batch.taken(rows))
        counts["writers"] = list(map(list, reader.writers.most_common()))
    for name, more in (("added", batch.added), ("known", batch.known), ("broken", len(batch.problems))):
        counts[name] = counts.get(name, 0) + more
    end = raw_rows[-1].end
    counts["reached"] = [end.offset, end.line, end.file]
    keep_problems(row, sorted(batch.problems))
    row.progress_done = bytes_before(reader.files, end)
    row.progress_total = row.options["size"]
    row.save(update_fields=["counts", "problems", "progress_done", "progress_total"])
    Transfer.objects.filter(pk=row.pk).update(heartbeat_at=Now())


def _readable(raw_rows: list[RawRow], batch: _Batch) -> Iterator[_Row]:
    for raw in raw_rows:
        try:
            fields = batch.reader.fields(raw)
        except RowProblem as problem:
            batch.refuse(raw, str(problem))
        else:
            yield _Row(raw, fields, dedupe_key(fields.messages))


def _add_outputs(transfer: Transfer, rows: list[_Row]) -> None:
    keys = {row.key for row in rows if row.fields.outputs}
    found = Prompt.objects.filter(project=transfer.project, dedupe_key__in=keys)
    prompts = {prompt.dedupe_key: prompt for prompt in found.defer("messages", "metadata")}
    # A prompt that somebody else entered at this moment under the same external id is not there.
    there = [row for row in rows if row.key in prompts]
    outputs = [(prompts[row.key], output) for row in there for output in row.fields.outputs]
    added = add_from_outside(transfer=transfer, outputs=outputs)
    counts = transfer.counts
    counts["outputs"] = counts.get("outputs", 0) + added
    counts["known_outputs"] = counts.get("known_outputs", 0) + len(outputs) - added


def _add_prompts(transfer: Transfer, rows: list[_Row], batch: _Batch) -> None:
    project = transfer.project
    # One batch at a time per project: two imports of the same rows would wait for each other for ever.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    new = _unknown(project, rows, batch)
    authors = import_authors({row.address: row.fields.author or _("unknown author") for row in new})
    splits, moment = _Splits(project, authors), _moment()
    prompts = []
    for row in new:
        try:
            split = splits.of(row)
        except RowProblem as problem:
            batch.refuse(row.raw, str(problem))
            continue
        prompts.append(_prompt(transfer, row, authors[row.address], split, moment))
    written = _written(prompts)
    batch.added += len(written)
    batch.known += len(prompts) - len(written)
    if transfer.options["ask_for_demonstrations"]:
        Task.objects.bulk_create(
            Task(**of_prompt(prompt), kind=Task.Kind.DEMONSTRATE, created_at=moment)
            for prompt in written
            if prompt.split == Prompt.Split.TRAIN
        )


def _written(prompts: list[Prompt]) -> list[Prompt]:
    """Those that came in, with their keys. What somebody else added meanwhile is left out: it is known."""
    Prompt.objects.bulk_create(prompts, ignore_conflicts=True)
    mine = Prompt.objects.filter(public_id__in=[prompt.public_id for prompt in prompts])
    keys = dict(mine.values_list("public_id", "pk"))
    for prompt in prompts:
        prompt.pk = keys.get(prompt.public_id)
    return [prompt for prompt in prompts if prompt.pk is not None]


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
            batch.refuse(row.raw, _("Another prompt has the external id “%s”.") % external_id)
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


def _moment() -> datetime:
    """Now, by the database's clock; as a value it is inserted faster than as each row's default."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def _prompt(transfer: Transfer, row: _Row, author: User, split: str, moment: datetime) -> Prompt:
    fields = row.fields
    return Prompt(
        created_at=moment,
        project_id=transfer.project_id,
        messages=fields.messages,
        author_id=author.pk,
        source=fields.source or Prompt.Source.IMPORT,
        category=fields.category or Prompt.Category.OTHER,
        language=fields.language or transfer.options["language"],
        split=split,
        topics=fields.topics,
        dedupe_key=row.key,
        external_id=fields.external_id,
        metadata=fields.metadata,
    )
