"""Keeping what an import is to read: a file, an archive of a folder, or the folder's files themselves."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.utils.translation import gettext as _

from labeling.actions.uploads import keep_upload
from labeling.imports.archives import is_archive, members_of
from labeling.imports.files import FileRefused
from labeling.imports.folders import format_of, part_of, without_common_folder
from labeling.imports.sources import SourceFile, look_at

MOST_FILES = 1000


def keep_source(directory: Path, *, file_name: str, chunks: Iterable[bytes]) -> list[SourceFile]:
    """Keep one file, or what is in an archive. Raises FileRefused."""
    name = Path(file_name).name
    if is_archive(name):
        archive = directory / "upload"
        try:
            _keep(archive, chunks)
            return keep_folder(directory, files=members_of(archive))
        finally:
            archive.unlink(missing_ok=True)
    format = format_of(name)
    if not format:
        raise FileRefused(
            _("Choose a .jsonl, .csv, .parquet or .arrow file, or a folder packed as .zip or .tar.")
        )
    path = f"source.{format}"
    _keep(directory / path, chunks)
    return [look_at(directory, name=storable_name(name)[:200], part="", path=path, format=format)]


def keep_folder(directory: Path, *, files: Iterable[tuple[str, Iterable[bytes]]]) -> list[SourceFile]:
    """Keep the files that hold rows, under names of our own; by their names in order. Raises FileRefused."""
    kept: list[tuple[str, str, str]] = []
    size = 0
    for given, chunks in files:
        name = storable_name(given)
        format = format_of(name)
        if not format:
            continue
        if len(kept) == MOST_FILES:
            raise FileRefused(_("The folder has more than %s files. Import it in parts.") % MOST_FILES)
        path = f"source/{len(kept) + 1:04}.{format}"
        with _naming(name):
            size += _keep(directory / path, chunks, beside=size)
        kept.append((name, path, format))
    if not kept:
        raise FileRefused(
            _("No file in it holds rows: none has a name that ends in .parquet, .arrow, .jsonl or .csv.")
        )
    names = without_common_folder([name for name, _path, _format in kept])
    looked_at = []
    for name, (_given, path, format) in sorted(zip(names, kept, strict=True)):
        with _naming(name):
            looked_at.append(
                look_at(directory, name=name[-200:], part=part_of(name)[-200:], path=path, format=format)
            )
    return looked_at


def storable_name(name: str) -> str:
    """As the database can keep it: names in archives may be any bytes."""
    return name.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def _keep(path: Path, chunks: Iterable[bytes], *, beside: int = 0) -> int:
    return keep_upload(
        path,
        chunks,
        refused=FileRefused,
        too_large=_("The file is larger than %s MB, this site's limit. Import it in parts."),
        beside=beside,
    )


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """A refusal inside says in which file."""
    try:
        yield
    except FileRefused as error:
        raise FileRefused(f"{name[-200:]}: {error.message}") from error
