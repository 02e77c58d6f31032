"""Files that people send, kept as they come."""

from collections.abc import Callable, Iterable
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from labeling.errors import DomainError


def keep_upload(
    path: Path,
    chunks: Iterable[bytes],
    *,
    refused: Callable[[str], DomainError],
    too_large: str,
    beside: int = 0,
) -> int:
    """Write the file as it comes; returns its bytes. Raises `refused` when it is empty, or larger than the
    site allows: `too_large` is that sentence, with the limit in MB at its %s.

    beside: bytes of files that came with it, which count too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    size, most = 0, settings.IMPORT_MAX_MB * 1_000_000
    with path.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if beside + size > most:
                raise refused(too_large % settings.IMPORT_MAX_MB)
            file.write(chunk)
    if size == 0:
        raise refused(_("The file is empty."))
    return size
