"""How an import's files are read: which rows there are, what each says, and a first look at all of them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from django.utils.translation import gettext as _

from labeling.actions.import_problems import Problem, forget_problems, keep_problems
from labeling.actions.prompts import checked_messages, dedupe_key
from labeling.errors import DomainError
from labeling.imports.files import Place, RawRow, RowProblem
from labeling.imports.outputs import OutputColumn
from labeling.imports.rows import PromptFields, Reading, prompt_fields
from labeling.imports.sources import SourceFile, bytes_before, rows
from labeling.models import Transfer

# What is looked at before anything is written; the rest is judged when it is read in.
MOST_ROWS_CHECKED = 50_000
MOST_BYTES_CHECKED = 32_000_000
LEFT_OUT = "out"  # in the place of a split: this part of a dataset is not read
MOST_WRITERS = 100  # models that one import may name


def files_of(transfer: Transfer) -> list[SourceFile]:
    """The files that are read, in their order."""
    left_out = {part["name"] for part in transfer.options["parts"] if part["split"] == LEFT_OUT}
    return [SourceFile.from_json(kept) for kept in transfer.options["files"] if kept["part"] not in left_out]


def rows_of(transfer: Transfer, *, since: Place | None = None) -> Iterator[RawRow]:
    return rows(transfer.directory, files_of(transfer), since)


def reading_of(transfer: Transfer) -> Reading:
    options = transfer.options
    outputs = [OutputColumn(**kept) for kept in options["outputs"]]
    return Reading(options["mapping"], outputs, options["drops_answers"])


def checked_fields(row: RawRow, reading: Reading, split: str = "") -> PromptFields:
    """The fields of a row whose conversation is one. Raises RowProblem.

    split: of the part of a dataset that the row is in, where the row itself does not say.
    """
    fields = prompt_fields(row, reading)
    try:
        messages = checked_messages(fields.messages)
    except DomainError as error:
        raise RowProblem(error.message) from error
    fields.messages[:] = messages
    return replace(fields, split=split) if split and not fields.split else fields


class Reader:
    """Reads rows one after the other, and counts the models they name."""

    def __init__(self, transfer: Transfer) -> None:
        self.files = files_of(transfer)
        self.reading = reading_of(transfer)
        splits = {part["name"]: part["split"] for part in transfer.options["parts"]}
        self._splits = [splits.get(file.part, "") for file in self.files]
        self._has_several = len(self.files) > 1
        self.writers: Counter[str] = Counter(dict(transfer.counts.get("writers", [])))

    def fields(self, row: RawRow) -> PromptFields:
        """Raises RowProblem, also for a row with one model more than an import may name."""
        fields = checked_fields(row, self.reading, self._splits[row.end.file])
        for output in fields.outputs:
            if output.writer and output.writer not in self.writers and len(self.writers) >= MOST_WRITERS:
                raise RowProblem(_("More than %s models are named. Is it the right column?") % MOST_WRITERS)
        self.writers.update(output.writer for output in fields.outputs if output.writer)
        return fields

    def problem(self, row: RawRow, reason: str) -> Problem:
        number = row.end.file
        return Problem(number, row.line, reason, self.files[number].name if self._has_several else "")


def check_rows(transfer: Transfer) -> None:
    """Count rows, broken ones and outputs, as far as one may look while somebody waits."""
    transfer.counts = {}
    forget_problems(transfer)
    reader, problems = Reader(transfer), []
    n, done, is_whole = 0, 0, True
    outputs: Counter[bytes] = Counter()  # digest of a prompt → its outputs
    for row in rows(transfer.directory, reader.files):
        if n >= MOST_ROWS_CHECKED or done >= MOST_BYTES_CHECKED:
            is_whole = False
            break
        n, done = n + 1, bytes_before(reader.files, row.end)
        try:
            fields = reader.fields(row)
        except RowProblem as problem:
            problems.append(reader.problem(row, str(problem)))
        else:
            if reader.reading.outputs:
                outputs[bytes.fromhex(dedupe_key(fields.messages))] += len(fields.outputs)
    keep_problems(transfer, problems)
    transfer.counts |= {"rows": n, "broken": len(problems), "is_whole": is_whole}
    if outputs:
        by_number = Counter(outputs.values())
        transfer.counts["prompts_by_outputs"] = [[k, by_number[k]] for k in sorted(by_number)]
        transfer.counts["writers"] = list(map(list, reader.writers.most_common()))
