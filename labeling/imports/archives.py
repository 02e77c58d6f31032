"""Folders that come as one zip or tar: each file in it as it lies there. Nothing here writes a file.

The names in an archive are told, never used as paths; a name that leads out of the folder refuses it.
"""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from django.utils.translation import gettext as _

from labeling.imports.files import FileRefused

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
CHUNK = 1 << 20
MOST_MEMBERS = 10_000


def is_archive(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def members_of(path: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """(name, content) of each file; the content is read before the next one is asked for.

    Raises FileRefused for an archive that is broken or encrypted, has too many files, or a name that leads
    out of it.
    """
    with _refusing():
        yield from _zipped(path) if zipfile.is_zipfile(path) else _tarred(path)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError) as error:
        raise FileRefused(_("The archive is broken or cut off. Pack it again.")) from error
    except (NotImplementedError, RuntimeError) as error:  # a password, or a method that is not known
        raise FileRefused(_("The archive is encrypted, or packed in an unusual way.")) from error


def _zipped(path: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for number, member in enumerate(archive.infolist()):
            _check(number, member.filename)
            if not member.is_dir():
                with archive.open(member) as content:
                    yield member.filename, _chunks(content)


def _tarred(path: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    with tarfile.open(path, "r|*") as archive:
        for number, member in enumerate(archive):
            _check(number, member.name)
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name.removeprefix("./"), _chunks(content)


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    with _refusing():
        while chunk := content.read(CHUNK):
            yield chunk


def _check(number: int, name: str) -> None:
    if number >= MOST_MEMBERS:
        raise FileRefused(_("The archive has more than %s files. Import it in parts.") % MOST_MEMBERS)
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or path.as_posix()[1:2] == ":":
        raise FileRefused(_("The archive has a name that leads out of it, “%s”. Pack it again.") % name[:100])
