"""Files of prompts as people have them, and reading them in as a worker does."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings

from labeling import actions
from labeling.models import Project, Transfer, User


def jsonl(*rows: Any) -> bytes:
    return b"".join(
        row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() + b"\n"
        for row in rows
    )


def parquet(rows: Any, **options: Any) -> bytes:
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def arrow(rows: Any, *, rows_a_batch: int = 1000, is_feather: bool = False) -> bytes:
    """As save_to_disk of the library datasets writes it: a stream of batches; or as Feather."""
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
    buffer = io.BytesIO()
    make = pa.ipc.new_file if is_feather else pa.ipc.new_stream
    with make(buffer, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows_a_batch)
    return buffer.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def uploader(project: Project, manager: User) -> Callable[..., Transfer]:
    def upload(content: bytes, name: str = "prompts.jsonl", to: Project | None = None) -> Transfer:
        return actions.upload_import(
            project=to or project, actor=manager, file_name=name, chunks=[content[:7], content[7:]]
        )

    return upload


def reader(upload: Callable[..., Transfer], manager: User) -> Callable[..., Transfer]:
    """Uploads, confirms and reads in, as a worker does; what is given beside it is mapped before."""

    def read_in(
        content: bytes, name: str = "prompts.jsonl", to: Project | None = None, **reading: Any
    ) -> Transfer:
        transfer = upload(content, name, to)
        if reading:
            transfer = mapped(transfer, **reading)
        return ran(transfer, manager)

    return read_in


def mapped(transfer: Transfer, **reading: Any) -> Transfer:
    """Read as it usually is but for what is given."""
    usual = {
        "mapping": transfer.options["mapping"],
        "language": transfer.options["language"],
        "ask_for_demonstrations": False,
    }
    return actions.map_import(transfer=transfer, **usual | reading)


def ran(transfer: Transfer, manager: User) -> Transfer:
    actions.start_import(transfer=transfer, actor=manager)
    actions.run_import(transfer_id=transfer.pk)
    transfer.refresh_from_db()
    return transfer


def kept_files() -> set[Path]:
    """Everything that lies beside an import."""
    return set((Path(settings.ARTIFACTS_DIR) / "transfers").rglob("*"))


def counts(transfer: Transfer) -> dict[str, int]:
    return {name: transfer.counts[name] for name in ("added", "known", "broken")}


def first_look(transfer: Transfer) -> dict[str, Any]:
    """What was counted before anything is written."""
    return {name: transfer.counts[name] for name in ("rows", "broken", "is_whole")}


def reasons(transfer: Transfer) -> dict[int, str]:
    return {problem["line"]: problem["reason"] for problem in transfer.problems}
