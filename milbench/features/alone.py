"""Let one process build a feature store while the others that want it wait."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from milbench.features.journal import disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: two processes that build one store there do the work twice
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)


@contextmanager
def alone(path: Path, *, is_waiting: bool = True) -> Iterator[bool]:
    """Hold the right to build ``path``, and give whether nobody else can; a death lets go of it.

    Windows, and file systems that know no locks, give it to everybody: there two processes that
    want the same features do the work twice.

    Raises
    ------
    BlockingIOError
        If another has it, and that is not waited for.
    """
    lock = path.with_name(f".{path.name}.lock")
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    file = None if fcntl is None else _locked(lock, path, is_waiting=is_waiting)
    if file is None:
        yield False
        return
    try:
        yield True
    finally:
        lock.unlink(missing_ok=True)  # while it is held: who waits sees that it is another's
        file.close()


def _locked(lock: Path, path: Path, *, is_waiting: bool) -> IO[bytes] | None:
    """Return the open lock file when it is ours and still has its name; None without locks."""
    while True:
        with disk(path):
            file = lock.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not is_waiting:
                file.close()
                raise
            log.warning("%s: another process builds it; waiting", path)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            log.warning("%s: no locks here (%s); an interrupt loses what is encoded", path, error)
            file.close()
            lock.unlink(missing_ok=True)
            return None
        if lock.exists() and os.fstat(file.fileno()).st_ino == lock.stat().st_ino:
            return file
        file.close()
