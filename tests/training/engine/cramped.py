"""A directory with little room: a small file system of its own, or a limit on what this process may write."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Cramped:
    """`fill` leaves no room in `directory`, `empty` gives it back."""

    def __init__(self, directory: Path, *, mounted: bool) -> None:
        self.directory = directory
        self.mounted = mounted
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, *, leaving: int = 0) -> None:
        """Leave room for about `leaving` bytes: in all of them on a mount, in each file under a limit."""
        if not self.mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (leaving, self._limits[1]))
            return
        free = os.statvfs(self.directory).f_bavail * os.statvfs(self.directory).f_frsize
        with (self.directory / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, free - leaving)

    def empty(self) -> None:
        """Make room again."""
        if not self.mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
            return
        (self.directory / "filler").unlink()


@contextmanager
def cramped(directory: Path, *, megabytes: int, by_mount: bool = True) -> Iterator[Cramped]:
    """`directory` as a tmpfs of that size where that is wanted and allowed, else under RLIMIT_FSIZE."""
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(directory)]
    mounted = by_mount and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    place = Cramped(directory, mounted=mounted)
    try:
        yield place
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(directory)], check=True)
        else:
            place.empty()
