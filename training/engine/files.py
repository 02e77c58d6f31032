"""Files and directories that appear whole or not at all. Standard library only."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.engine.errors import DiskFull

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MEGABYTE = 2**20


def write_json(path: Path, value: Any) -> None:
    """Write JSON beside `path`, flush it to the disk, and rename it."""
    _write(path, [json.dumps(value, ensure_ascii=False, indent=2)])


def write_json_lines(path: Path, values: Iterable[Any]) -> None:
    """The same with one JSON value a line."""
    _write(path, (json.dumps(value) for value in values))


def _write(path: Path, lines: Iterable[str]) -> None:
    temporary = path.with_name(f".{path.name}.writing")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_directory(path: Path, *, size: int = 0) -> Iterator[Path]:
    """Give a temporary directory that becomes `path`, replacing what is there, if the block succeeds.

    size: bytes that the block will write, about. DiskFull when it fails and they do not fit.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.writing")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        for entry in temporary.iterdir():
            entry.chmod(0o644)  # safetensors writes 0600; other users of the machine may read a model
            flush(entry)
        if path.exists():
            shutil.rmtree(path)
        temporary.rename(path)
        flush(path.parent)
    except Exception as error:
        if reason := _why_it_does_not_fit(temporary, size) or full_disk_of(error, path.parent):
            raise DiskFull(reason) from error
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def full_disk_of(error: Exception, where: Path) -> str | None:
    """What to do about an error that says that the disk or the quota at `where` is full; None for any other
    error."""
    if not isinstance(error, OSError) or error.errno not in _FULL:
        return None
    return f"{os.strerror(error.errno)}: free some 100 MB at {where}"


def _why_it_does_not_fit(temporary: Path, size: int) -> str | None:
    """What to do so that a directory of about `size` bytes fits; None if it does. Removes what there is of
    it.

    Tried and not asked of the error: torch and safetensors report a full disk as a RuntimeError or as an
    error of their own, and quotas and limits show in no count of free bytes.
    """
    needed = size + _MEGABYTE  # a manifest, a tokenizer, the system's own blocks
    written = sum(entry.stat().st_blocks * 512 for entry in temporary.rglob("*"))
    room = shutil.disk_usage(temporary).free + written
    shutil.rmtree(temporary, ignore_errors=True)
    missing = needed - room if room < needed else needed
    advice = f"{temporary.parent} needs {_megabytes(needed)} MB more, free {_megabytes(missing)} MB"
    if room < needed:
        return f"{os.strerror(errno.ENOSPC)}: {advice}"
    probe = temporary.with_suffix(".probe")
    try:
        with probe.open("wb") as file:
            if hasattr(os, "posix_fallocate"):  # macOS has none
                os.posix_fallocate(file.fileno(), 0, needed)
    except OSError as error:
        return f"{os.strerror(error.errno or 0)}: {advice}" if error.errno in _FULL else None
    finally:
        probe.unlink(missing_ok=True)
    return None


def _megabytes(size: int) -> int:
    """Bytes in whole megabytes, rounded up."""
    return -(-size // _MEGABYTE)


def flush(path: Path) -> None:
    """Have the operating system write a file's data, or a directory's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
