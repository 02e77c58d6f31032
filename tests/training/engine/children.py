"""Work in real processes: forks of the one that tests, so that none of them has to load torch again."""

import multiprocessing
from collections.abc import Callable

FORK = multiprocessing.get_context("fork")


def in_child(work: Callable[..., None], *arguments: object) -> int | None:
    """Work in a process of its own; its exit code, -9 when it was killed."""
    process = FORK.Process(target=work, args=arguments)
    process.start()
    process.join(60)
    return process.exitcode
