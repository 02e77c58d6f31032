"""A backup's file: a tar of the database's dump and the artifacts, closed by a manifest with every hash.

Knows nothing of Django. A file without its manifest is the rest of one that broke off.
"""

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

MANIFEST = "manifest.json"
DUMP = "database.dump"
ARTIFACTS = "artifacts"
FORMAT = 1
# Files up to this size may be written to while they are read; they are taken as they are at one moment.
WHOLE_AT_ONCE = 8_000_000


class BackupProblem(Exception):
    """It cannot be made or restored; the message says why and what to do."""


@dataclass
class Archive:
    """A backup that is being written."""

    tar: tarfile.TarFile
    files: list[dict[str, Any]] = field(default_factory=list)

    def add(self, path: Path, name: str) -> None:
        """Take in a file under this name; one that has gone meanwhile is no longer wanted."""
        try:
            source = path.open("rb")
        except FileNotFoundError:
            return
        with source:
            size = os.fstat(source.fileno()).st_size
            if size <= WHOLE_AT_ONCE:
                content = source.read()
                self._add(name, io.BytesIO(content), len(content))
            else:
                try:
                    self._add(name, source, size)
                except OSError as error:
                    raise BackupProblem(f"{path} changed while it was read ({error}): try again.") from error

    def close(self, description: Mapping[str, Any]) -> None:
        manifest = {"format": FORMAT, **description, "files": self.files}
        content = json.dumps(manifest, indent=1, ensure_ascii=False).encode()
        self.tar.addfile(_entry(MANIFEST, len(content)), io.BytesIO(content))
        self.tar.close()

    def _add(self, name: str, source: IO[bytes], size: int) -> None:
        reader = _Hashing(source)
        self.tar.addfile(_entry(name, size), reader)  # type: ignore[arg-type]
        self.files.append({"path": name, "bytes": size, "sha256": reader.digest.hexdigest()})


class _Hashing:
    """Passes on what it reads, and hashes it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        chunk = self._source.read(size)
        self.digest.update(chunk)
        return chunk


def new_archive(file: IO[bytes]) -> Archive:
    return Archive(tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT))


def artifact_files(directory: Path, left_out: list[str]) -> Iterator[tuple[Path, str]]:
    """Each finished file below, with its name in a backup; not what is half written or leads elsewhere."""
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if not _is_unfinished(name))
        for name in list(folders):
            if (Path(folder) / name).is_symlink():
                folders.remove(name)
                left_out.append(f"{Path(folder, name)} leads to another place")
        for name in sorted(names):
            path = Path(folder, name)
            if not _is_unfinished(name) and path.is_file():
                yield path, str(PurePosixPath(ARTIFACTS, *path.relative_to(directory).parts))


def verified_manifest(file: Path) -> dict[str, Any]:
    """The manifest, after every file was read and agreed with it in size and hash."""
    manifest, found = _read_through(file)
    if manifest is None:
        raise BackupProblem(f"{file} is not a whole backup: it has no manifest at its end. Take another one.")
    if manifest.get("format") != FORMAT:
        raise BackupProblem(f"{file} has a format that this version does not know: restore by a newer one.")
    listed = {entry["path"]: (entry["bytes"], entry["sha256"]) for entry in manifest["files"]}
    differing = sorted(name for name in found.keys() | listed.keys() if found.get(name) != listed.get(name))
    if differing:
        raise BackupProblem(
            f"{file} is damaged: {differing[0]} is not what the manifest says. Nothing was done."
        )
    if DUMP not in listed:
        raise BackupProblem(f"{file} has no database in it.")
    return manifest


def extract(file: Path, *, dump: Path, artifacts: Path) -> None:
    """Write a verified backup's files to where they are wanted."""
    with tarfile.open(file, "r:") as tar:
        for entry in tar:
            source = tar.extractfile(entry)
            if source is None or entry.name == MANIFEST:
                continue
            if entry.name == DUMP:
                target = dump
            else:
                target = artifacts.joinpath(*PurePosixPath(entry.name).parts[1:])
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file_there:
                shutil.copyfileobj(source, file_there, 1 << 20)


def _read_through(file: Path) -> tuple[dict[str, Any] | None, dict[str, tuple[int, str]]]:
    manifest: dict[str, Any] | None = None
    found: dict[str, tuple[int, str]] = {}
    try:
        with tarfile.open(file, "r:") as tar:
            for entry in tar:
                source = tar.extractfile(entry) if entry.isreg() else None
                if source is None or not _is_ours(entry.name) or entry.name in found:
                    raise BackupProblem(f"{file} is no backup of Preceptor: it holds {entry.name}.")
                if entry.name == MANIFEST:
                    manifest = json.loads(source.read())
                else:
                    digest = hashlib.file_digest(source, "sha256")  # type: ignore[arg-type]
                    found[entry.name] = (entry.size, digest.hexdigest())
    except FileNotFoundError as error:
        raise BackupProblem(f"{file} does not exist.") from error
    except (tarfile.TarError, EOFError, ValueError, OSError) as error:
        raise BackupProblem(f"{file} cannot be read as a backup: {error}.") from error
    return manifest, found


def _is_ours(name: str) -> bool:
    parts = PurePosixPath(name).parts
    inside = len(parts) > 1 and parts[0] == ARTIFACTS and ".." not in parts
    return name in {MANIFEST, DUMP} or (inside and str(PurePosixPath(*parts)) == name)


def _is_unfinished(name: str) -> bool:
    return name.endswith((".partial", ".writing", ".restoring"))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry
